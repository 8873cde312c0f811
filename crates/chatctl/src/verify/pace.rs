//! Keeps a comparison from being a load: so much a second at most, and a pause after each piece.

use std::time::{Duration, Instant};

use tokio::time::sleep;

/// However few there are, what the system does meanwhile comes first.
const PAUSE: Duration = Duration::from_millis(5);

pub(super) struct Pace {
    began: Instant,
    done: u64,
    rate: u32,
}

impl Pace {
    /// So many a second.
    pub(super) fn new(rate: u32) -> Self {
        Self { began: Instant::now(), done: 0, rate }
    }

    /// Waits until so many more may have been done.
    pub(super) async fn after(&mut self, done: u64) {
        self.done += done;
        let due = Duration::from_secs_f64(self.done as f64 / f64::from(self.rate));
        sleep(due.saturating_sub(self.began.elapsed()).max(PAUSE)).await;
    }
}
