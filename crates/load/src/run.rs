//! One closed-loop run: each client sends its next create when the last is answered.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hdrhistogram::Histogram;
use hyper::StatusCode;

use crate::{
    connection::Connection,
    scenario::{NumberAnswer, Scenario, Sender, text},
};

/// A create that was acknowledged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Acknowledged {
    pub(crate) chat: usize,
    pub(crate) number: u64,
    pub(crate) sender: Sender,
    pub(crate) sequence: u32,
}

/// What came of a run.
pub(crate) struct Outcome {
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// Times from request to acknowledgement, in microseconds.
    pub(crate) latency_us: Histogram<u64>,
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Answers that were no acknowledgement, and requests without an answer.
    pub(crate) refused: u64,
    pub(crate) unanswered: u64,
    /// When each acknowledgement came.
    pub(crate) answered_at: Vec<Instant>,
}

impl Outcome {
    /// Acknowledged creates a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latency_us.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Where a run sends to, and for how long.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) target: SocketAddr,
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) clients: u32,
    pub(crate) duration: Duration,
    pub(crate) run: u32,
    /// Whether acknowledgements are kept: not for the echo, whose numbers mean nothing.
    pub(crate) keep: bool,
}

/// Runs the plan to its end.
pub(crate) async fn run(plan: Plan) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let clients: Vec<_> =
        (0..plan.clients).map(|client| tokio::spawn(send(plan.clone(), client, start + plan.duration))).collect();
    let mut outcome = empty()?;
    for client in clients {
        let part = client.await??;
        outcome.latency_us.add(&part.latency_us)?;
        outcome.acknowledged.extend(part.acknowledged);
        outcome.answered_at.extend(part.answered_at);
        outcome.refused += part.refused;
        outcome.unanswered += part.unanswered;
    }
    outcome.elapsed = start.elapsed();
    Ok(outcome)
}

async fn send(plan: Plan, client: u32, until: Instant) -> anyhow::Result<Outcome> {
    let sender = Sender { run: plan.run, client };
    let mut connection = Connection::to(plan.target);
    let mut outcome = empty()?;
    for sequence in 0.. {
        let begun = Instant::now();
        if begun >= until {
            break;
        }
        let chat = plan.scenario.chat(sender, sequence);
        let body = Bytes::from(format!("{{\"body\":\"{}\"}}", text(sender, sequence)));
        match connection.post(plan.scenario.path(chat), body).await {
            Ok((StatusCode::CREATED, answer)) => {
                outcome.latency_us.record(begun.elapsed().as_micros() as u64)?;
                if plan.keep {
                    let number = serde_json::from_slice::<NumberAnswer>(&answer)?.number;
                    outcome.acknowledged.push(Acknowledged { chat, number, sender, sequence });
                    outcome.answered_at.push(Instant::now());
                }
            }
            Ok(_) => {
                outcome.refused += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(_) => {
                outcome.unanswered += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    Ok(outcome)
}

/// Before anything was sent.
pub(crate) fn empty() -> anyhow::Result<Outcome> {
    Ok(Outcome {
        elapsed: Duration::ZERO,
        latency_us: Histogram::new_with_bounds(1, 60_000_000, 3)?,
        acknowledged: Vec::new(),
        refused: 0,
        unanswered: 0,
        answered_at: Vec::new(),
    })
}
