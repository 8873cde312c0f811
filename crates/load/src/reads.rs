//! What the cache brings to hot reads: two replicas of the api over the same servers, one with a cache and one without, are asked
//! for the same few things in turn, beside the bare echo.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::ensure;
use bytes::Bytes;
use hyper::StatusCode;
use localsystem::{Binaries, LocalSystem, Options, Service};
use say::say;
use tokio::time::sleep;

use crate::{
    connection::Connection,
    echo,
    gets::{Paths, always, run},
    scenario::Scenario,
    table::Row,
};

const CLIENTS: u32 = 64;
/// More than a page of chats, and of messages in one of them: a first page is kept when there is a second one.
const CHATS: usize = 60;
const MESSAGES: usize = 60;
const STORED_WITHIN: Duration = Duration::from_secs(60);

/// What is read, and the measurements of each replica.
struct Read {
    path: Paths,
    without: Row,
    with: Row,
}

/// Measures and prints.
pub(crate) async fn reads(rounds: usize, duration: Duration) -> anyhow::Result<()> {
    let progress = devstack::for_terminal();
    let mut system = LocalSystem::start(Binaries::build().await?, Options::temporary(), progress.as_ref()).await?;
    let with = system.address(Service::Api);
    let without = system.start_replica(Service::Api, &[("CHAT__CACHE__ENABLED", "false")]).await?;
    let echo = echo::start().await?;
    let mut reads = prepare(without, system.address(Service::Ingest)).await?;
    let mut bare = Row::new("bare echo", CLIENTS);
    for read in &reads {
        // Connections and prepared statements are made now.
        for target in [without, with] {
            run(target, CLIENTS, &read.path, duration / 4).await?;
        }
    }
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        bare.add(&run(echo.address, CLIENTS, &always("/"), duration).await?);
        for read in &mut reads {
            read.without.add(&run(without, CLIENTS, &read.path, duration).await?);
            read.with.add(&run(with, CLIENTS, &read.path, duration).await?);
        }
    }
    print(&bare, &reads);
    system.down().await
}

/// An application with chats and messages, all stored.
async fn prepare(api: SocketAddr, ingest: SocketAddr) -> anyhow::Result<Vec<Read>> {
    let scenario = Scenario::create("reads", CHATS, api, ingest).await?;
    let mut connection = Connection::to(ingest);
    for number in 1..=MESSAGES {
        let body = Bytes::from(format!("{{\"body\":\"What a piece of work is a man, how noble in reason, {number}\"}}"));
        let (status, _) = connection.post(scenario.path(0), body).await?;
        ensure!(status == StatusCode::CREATED, "a message was answered {status}");
    }
    let application = format!("/applications/{}", scenario.token);
    let (chats, messages) = (format!("{application}/chats"), scenario.path(0).to_owned());
    let mut connection = Connection::to(api);
    for last in [format!("{chats}/{CHATS}"), format!("{messages}/{MESSAGES}")] {
        let deadline = Instant::now() + STORED_WITHIN;
        while connection.get(&last).await?.0 != StatusCode::OK {
            ensure!(Instant::now() < deadline, "what was created is not stored");
            sleep(Duration::from_millis(50)).await;
        }
    }
    let read =
        |name: &str, path: String| Read { path: always(path), without: Row::new(name, CLIENTS), with: Row::new(name, CLIENTS) };
    Ok(vec![
        read("application", application),
        read("chat", format!("{chats}/1")),
        read("message", format!("{messages}/1")),
        read("first page of chats", chats),
        read("first page of messages", messages),
    ])
}

fn print(bare: &Row, reads: &[Read]) {
    say!("bare echo: {:.0} a second at {CLIENTS} connections\n", bare.rate());
    say!(
        "| read | without/s | with/s | with ÷ without | without ÷ echo | with ÷ echo | p99 ms without, with | not answered 200 |"
    );
    say!("|---|---|---|---|---|---|---|---|");
    for Read { without, with, .. } in reads {
        say!(
            "| {} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2}, {:.2} | {} |",
            without.name,
            without.rate(),
            with.rate(),
            with.rate() / without.rate(),
            without.rate() / bare.rate(),
            with.rate() / bare.rate(),
            without.p99_ms(),
            with.p99_ms(),
            without.refused() + with.refused(),
        );
    }
}
