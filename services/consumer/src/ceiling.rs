//! Whether an epoch that a payload names can have been opened: MySQL gives epochs their numbers, and knows of all of them.
//!
//! A partition's epoch never goes down. One that somebody has made up would make stragglers of all that comes behind it, which
//! nobody could decide on before so many epochs are opened: the partition would stand still for good. Yet no epoch that was
//! opened must ever be refused, and a MySQL that was put back to an older state knows of fewer than the queue. So there is room
//! for more than anybody opens meanwhile.

use std::time::Duration;

use backoff::{Backoff, Bounds};
use events::Epoch;
use service::telemetry::Repeats;
use store::{Store, epochs};

/// Epochs that a queue may be ahead of MySQL.
const ROOM: u64 = 1_000;
/// While MySQL is down, it is said this often.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// The highest epoch that is taken for one that was opened.
pub(crate) struct Ceiling {
    store: Store,
    retry: Bounds,
    /// By what MySQL said last, which is seldom: it is asked for what is above that alone.
    highest: Epoch,
    failures: Repeats,
}

impl Ceiling {
    pub(crate) fn new(store: Store, retry: Bounds) -> Self {
        Self { store, retry, highest: Epoch::new(ROOM), failures: Repeats::every(SAY_EVERY) }
    }

    /// Whether the epoch lies below it. Waits for MySQL, without which nothing is stored either; to give up means to drop the
    /// future.
    pub(crate) async fn admits(&mut self, epoch: Epoch) -> bool {
        let mut backoff = Backoff::new(self.retry);
        while epoch > self.highest {
            match self.known().await {
                Ok(known) => {
                    self.highest = self.highest.max(Epoch::new(known.get().saturating_add(ROOM)));
                    return epoch <= self.highest;
                }
                Err(error) => {
                    if let Some(suppressed) = self.failures.pass() {
                        tracing::warn!(%error, suppressed, "a payload waits to be read until its epoch can be looked up");
                    }
                    backoff.wait().await;
                }
            }
        }
        true
    }

    async fn known(&self) -> Result<Epoch, store::Error> {
        Ok(epochs::highest(&mut *self.store.acquire().await?).await?.unwrap_or(Epoch::new(0)))
    }
}
