//! How soon all is right again: creates succeed on every replica of ingest and go on to, the api answers, and what was
//! acknowledged until then is stored.

use std::{net::SocketAddr, time::Duration};

use anyhow::ensure;
use futures_util::future::try_join_all;
use localsystem::Service;
use store::Store;
use tokio::time::{Instant, sleep};

use super::traffic::{Traffic, Writer, connection};
use crate::fleet::Fleet;

/// So many successes in a row on a replica are no chance.
const STREAK: u32 = 12;
const PAUSE: Duration = Duration::from_millis(50);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// After this it is not slow but broken.
const LIMIT: Duration = Duration::from_secs(90);

/// From the moment in which everything was healed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recovery {
    /// Until requests succeeded everywhere, and did not fail again.
    pub(crate) answering: Duration,
    /// Until everything was stored that had been acknowledged when all was healed.
    pub(crate) stored: Duration,
}

impl Recovery {
    pub(crate) fn whole(self) -> Duration {
        self.answering.max(self.stored)
    }
}

/// Waits for it. `step` must be another one each time.
///
/// # Errors
/// One sentence, when it takes far too long.
pub(crate) async fn recover(fleet: &Fleet, traffic: &Traffic, store: &Store, step: usize) -> anyhow::Result<Recovery> {
    let healed = Instant::now();
    let writers = traffic.writers(u32::try_from(step)?).into_iter().map(|(address, writer)| writing(address, writer, healed));
    let path = traffic.scenario.path(0);
    let readers = fleet.addresses(Service::Api).into_iter().map(|address| reading(address, format!("{path}?limit=1"), healed));
    let (written, read, stored) = tokio::try_join!(try_join_all(writers), try_join_all(readers), stored(traffic, store, healed))?;
    let answering = written.into_iter().chain(read).max().unwrap_or_default();
    Ok(Recovery { answering, stored })
}

/// When the first of many successes in a row was asked for.
struct Streak {
    healed: Instant,
    begun: Option<Instant>,
    length: u32,
}

impl Streak {
    fn new(healed: Instant) -> Self {
        Self { healed, begun: None, length: 0 }
    }

    /// Enters a request; the time of recovery when that completes the streak.
    fn enter(&mut self, success: bool) -> Option<Duration> {
        if !success {
            (self.begun, self.length) = (None, 0);
            return None;
        }
        let begun = *self.begun.get_or_insert_with(Instant::now);
        self.length += 1;
        (self.length >= STREAK).then(|| begun - self.healed)
    }

    fn late(&self) -> bool {
        self.healed.elapsed() > LIMIT
    }
}

async fn writing(address: SocketAddr, mut writer: Writer, healed: Instant) -> anyhow::Result<Duration> {
    let (mut streak, mut connection) = (Streak::new(healed), connection(address));
    loop {
        if let Some(recovered) = streak.enter(writer.create(&mut connection).await) {
            return Ok(recovered);
        }
        ensure!(!streak.late(), "creates on {address} do not succeed {} s after all was healed", LIMIT.as_secs());
        sleep(PAUSE).await;
    }
}

async fn reading(address: SocketAddr, path: String, healed: Instant) -> anyhow::Result<Duration> {
    let (mut streak, mut connection) = (Streak::new(healed), connection(address));
    loop {
        let success = connection.get(&path).await.is_ok_and(|(status, _)| status.is_success());
        if let Some(recovered) = streak.enter(success) {
            return Ok(recovered);
        }
        ensure!(!streak.late(), "reads on {address} do not succeed {} s after all was healed", LIMIT.as_secs());
        sleep(PAUSE).await;
    }
}

/// Waits until everything is stored that is acknowledged now.
pub(super) async fn stored(traffic: &Traffic, store: &Store, healed: Instant) -> anyhow::Result<Duration> {
    let mut pending = traffic.ledger.pending();
    let mut last = None;
    loop {
        // MySQL may be a moment away yet.
        last = traffic.ledger.settle(&mut pending, store, &traffic.scenario).await.err().or(last);
        if pending.is_empty() {
            return Ok(healed.elapsed());
        }
        let error = last.as_ref().map(|error| format!(" ({error:#})")).unwrap_or_default();
        let (left, limit) = (pending.len(), LIMIT.as_secs());
        ensure!(healed.elapsed() < LIMIT, "{left} acknowledged creates are not stored {limit} s after all was healed{error}");
        sleep(LOOK_EVERY).await;
    }
}
