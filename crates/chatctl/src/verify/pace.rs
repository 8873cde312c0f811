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

    /// How many may be done within this time, at least one and at most `most`.
    pub(super) fn within(&self, time: Duration, most: u64) -> u64 {
        (time.as_secs() * u64::from(self.rate)).clamp(1, most)
    }

    /// Waits until so many more may have been done.
    pub(super) async fn after(&mut self, done: u64) {
        self.done += done;
        let due = Duration::from_secs_f64(self.done as f64 / f64::from(self.rate));
        sleep(due.saturating_sub(self.began.elapsed()).max(PAUSE)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_at_once_is_no_more_than_its_time_allows() {
        let within = |rate| Pace::new(rate).within(Duration::from_secs(30), 1_000);
        assert_eq!([within(1), within(9), within(10_000), within(u32::MAX)], [30, 270, 1_000, 1_000]);
        assert_eq!(Pace::new(5).within(Duration::ZERO, 1_000), 1);
    }
}
