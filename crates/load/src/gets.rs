//! One closed-loop run of reads: each client asks again when it has its answer.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::StatusCode;

use crate::{
    connection::Connection,
    run::{Outcome, empty},
};

/// The path of a client's `sequence`-th request; clients count from 0.
pub(crate) type Paths = Arc<dyn Fn(u32, u64) -> String + Send + Sync>;

/// The same path, always.
pub(crate) fn always(path: impl Into<String>) -> Paths {
    let path = path.into();
    Arc::new(move |_, _| path.clone())
}

/// What is not answered 200 counts as refused.
pub(crate) async fn run(target: SocketAddr, clients: u32, paths: &Paths, duration: Duration) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let until = start + duration;
    let clients: Vec<_> = (0..clients).map(|client| tokio::spawn(ask(target, client, paths.clone(), until))).collect();
    let mut outcome = empty()?;
    for client in clients {
        let part = client.await??;
        outcome.latency_us.add(&part.latency_us)?;
        outcome.refused += part.refused;
        outcome.unanswered += part.unanswered;
    }
    outcome.elapsed = start.elapsed();
    Ok(outcome)
}

async fn ask(target: SocketAddr, client: u32, paths: Paths, until: Instant) -> anyhow::Result<Outcome> {
    let mut connection = Connection::to(target);
    let mut outcome = empty()?;
    for sequence in 0.. {
        let path = paths(client, sequence);
        let begun = Instant::now();
        if begun >= until {
            break;
        }
        match connection.get(&path).await {
            Ok((StatusCode::OK, _)) => outcome.latency_us.record(begun.elapsed().as_micros() as u64)?,
            Ok(_) => outcome.refused += 1,
            Err(_) => outcome.unanswered += 1,
        }
    }
    Ok(outcome)
}
