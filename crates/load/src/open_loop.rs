//! Creates at a fixed rate, whatever becomes of those before: as many people press a key who know nothing of one another. A
//! service that falls behind is not spared then, and how long a create took is counted from the moment at which it was to be
//! sent, not from the one at which a connection was free for it (Tene: How NOT to measure latency, "coordinated omission").

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hdrhistogram::Histogram;
use hyper::StatusCode;
use tokio::sync::Semaphore;

use crate::{
    connection::Connection,
    run::empty,
    scenario::{Scenario, Sender, text},
};

/// The sender sleeps no shorter than this: a thread's sleep is no finer.
const GRAIN: Duration = Duration::from_micros(100);

/// How much is sent, where, and over how many connections at most.
#[derive(Clone)]
pub(crate) struct Schedule {
    pub(crate) target: SocketAddr,
    pub(crate) scenario: Arc<Scenario>,
    /// Creates a second.
    pub(crate) rate: f64,
    pub(crate) connections: u32,
    pub(crate) duration: Duration,
    /// Tells this run's texts from another's.
    pub(crate) run: u32,
}

/// What came of it; every create that was to be sent is in one of the three figures.
pub(crate) struct Outcome {
    /// From the moment at which a create was to be sent, in microseconds: of those that were acknowledged.
    pub(crate) latency_us: Histogram<u64>,
    /// How much later than that it was sent, of all: what the generator itself adds, when the connections suffice.
    pub(crate) late_us: Histogram<u64>,
    pub(crate) refused: u64,
    pub(crate) unanswered: u64,
    pub(crate) elapsed: Duration,
}

impl Outcome {
    pub(crate) fn acknowledged(&self) -> u64 {
        self.latency_us.len()
    }
}

impl Schedule {
    fn creates(&self) -> u32 {
        creates(self.rate, self.duration)
    }
}

/// How many creates there are in all.
fn creates(rate: f64, duration: Duration) -> u32 {
    (rate * duration.as_secs_f64()).round() as u32
}

/// When a create is to be sent, from the beginning.
fn due_at(rate: f64, ordinal: u32) -> Duration {
    Duration::from_secs_f64(f64::from(ordinal) / rate)
}

/// How many are due so long after the beginning.
fn due_by(rate: f64, duration: Duration, elapsed: Duration) -> u32 {
    ((elapsed.as_secs_f64() * rate) as u32).saturating_add(1).min(creates(rate, duration))
}

/// What the connections share.
struct Turns {
    schedule: Schedule,
    start: Instant,
    /// One permit for each create that is due and that nobody has taken.
    due: Semaphore,
    taken: AtomicU32,
}

/// Sends all of the schedule, and waits for the answers.
pub(crate) async fn run(schedule: Schedule) -> anyhow::Result<Outcome> {
    let connections = schedule.connections;
    let turns = Arc::new(Turns { schedule, start: Instant::now(), due: Semaphore::new(0), taken: AtomicU32::new(0) });
    // A thread of its own: the runtime's clock is ten times as coarse.
    let clock = tokio::task::spawn_blocking({
        let turns = turns.clone();
        move || tick(&turns)
    });
    let senders: Vec<_> = (0..connections).map(|_| tokio::spawn(send(turns.clone()))).collect();
    clock.await?;
    let mut all = nothing()?;
    for sender in senders {
        let part = sender.await??;
        all.latency_us.add(&part.latency_us)?;
        all.late_us.add(&part.late_us)?;
        all.refused += part.refused;
        all.unanswered += part.unanswered;
    }
    all.elapsed = turns.start.elapsed();
    Ok(all)
}

/// Gives out a permit for each create in its moment, and closes when all are given out.
fn tick(turns: &Turns) {
    let Schedule { rate, duration, connections, .. } = turns.schedule;
    let mut given = 0;
    while given < turns.schedule.creates() {
        let due = due_by(rate, duration, turns.start.elapsed());
        turns.due.add_permits((due - given) as usize);
        given = due;
        let next = turns.start + due_at(rate, given);
        thread::sleep(next.saturating_duration_since(Instant::now()).max(GRAIN));
    }
    // Senders that find it empty then are told to end by their count.
    turns.due.add_permits(connections as usize);
}

async fn send(turns: Arc<Turns>) -> anyhow::Result<Outcome> {
    let mut connection = Connection::to(turns.schedule.target);
    let mut outcome = nothing()?;
    loop {
        turns.due.acquire().await?.forget();
        let ordinal = turns.taken.fetch_add(1, Ordering::Relaxed);
        if ordinal >= turns.schedule.creates() {
            return Ok(outcome);
        }
        let Schedule { scenario, run, rate, .. } = &turns.schedule;
        let sender = Sender { run: *run, client: 0 };
        let body = Bytes::from(format!("{{\"body\":\"{}\"}}", text(sender, ordinal)));
        let wanted = turns.start + due_at(*rate, ordinal);
        outcome.late_us.saturating_record(microseconds(wanted.elapsed()));
        match connection.post(scenario.path(scenario.chat(sender, ordinal)), body).await {
            Ok((StatusCode::CREATED, _)) => outcome.latency_us.saturating_record(microseconds(wanted.elapsed())),
            Ok(_) => outcome.refused += 1,
            Err(_) => outcome.unanswered += 1,
        }
    }
}

fn microseconds(duration: Duration) -> u64 {
    duration.as_micros() as u64
}

fn nothing() -> anyhow::Result<Outcome> {
    let (latency_us, late_us) = (empty()?.latency_us, empty()?.latency_us);
    Ok(Outcome { latency_us, late_us, refused: 0, unanswered: 0, elapsed: Duration::ZERO })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 1_000.0;
    const DURATION: Duration = Duration::from_secs(2);

    #[test]
    fn each_create_has_its_moment_and_none_comes_after_the_end() {
        assert_eq!((due_at(RATE, 3), creates(RATE, DURATION)), (Duration::from_millis(3), 2_000));
        let due = |micros| due_by(RATE, DURATION, Duration::from_micros(micros));
        // The first is due at once.
        assert_eq!([0, 999, 1_500, 2_500, 1_999_500, 60_000_000].map(due), [1, 1, 2, 3, 2_000, 2_000]);
    }

    #[test]
    fn a_rate_need_not_be_whole() {
        assert_eq!((due_at(0.5, 3), creates(0.5, Duration::from_secs(10))), (Duration::from_secs(6), 5));
    }
}
