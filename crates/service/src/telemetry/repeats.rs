//! Keeps a log line that would repeat with every failure from flooding the log while a dependency is down.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Lets one line pass in each interval and counts those that were held back.
///
/// ```
/// # use std::time::Duration;
/// let repeats = service::telemetry::Repeats::every(Duration::from_secs(5));
/// if let Some(suppressed) = repeats.pass() {
///     tracing::warn!(suppressed, "the database does not answer");
/// }
/// ```
#[derive(Debug)]
pub struct Repeats {
    interval_ms: u64,
    made: Instant,
    /// Milliseconds after `made` from which on a line may pass.
    open_at: AtomicU64,
    suppressed: AtomicU64,
}

impl Repeats {
    /// At most one line in each `interval`.
    pub fn every(interval: Duration) -> Self {
        Self {
            interval_ms: milliseconds(interval),
            made: Instant::now(),
            open_at: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
        }
    }

    /// Whether the line may be written now: the number of those held back since the last one, or `None`.
    pub fn pass(&self) -> Option<u64> {
        self.pass_at(milliseconds(self.made.elapsed()))
    }

    fn pass_at(&self, now: u64) -> Option<u64> {
        let open_at = self.open_at.load(Ordering::Relaxed);
        let next = now.saturating_add(self.interval_ms);
        // Of several threads that find the interval over, the exchange lets one pass.
        if now >= open_at && self.open_at.compare_exchange(open_at, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            return Some(self.suppressed.swap(0, Ordering::Relaxed));
        }
        self.suppressed.fetch_add(1, Ordering::Relaxed);
        None
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_an_interval_passes_and_tells_how_many_were_held_back() {
        let repeats = Repeats::every(Duration::from_secs(1));
        assert_eq!(repeats.pass_at(0), Some(0));
        assert_eq!(repeats.pass_at(1), None);
        assert_eq!(repeats.pass_at(999), None);
        assert_eq!(repeats.pass_at(1000), Some(2));
        assert_eq!(repeats.pass_at(1500), None);
        assert_eq!(repeats.pass_at(9000), Some(1));
    }
}
