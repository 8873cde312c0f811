//! How long to wait before the next attempt: doubling from a lower to an upper bound, with jitter, so that replicas that failed
//! together do not come back together. It never gives up: whoever retries says when to stop.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The bounds of the waits between attempts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The first wait.
    pub(crate) min: Duration,
    /// No wait is longer, jitter aside.
    pub(crate) max: Duration,
}

/// A row of failed attempts.
#[derive(Debug)]
pub(crate) struct Backoff {
    bounds: Bounds,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, next: bounds.min }
    }

    /// An attempt succeeded: the next failure waits the shortest time again.
    pub(crate) fn reset(&mut self) {
        self.next = self.bounds.min;
    }

    /// The wait after one more failure: half to one and a half times its nominal length.
    pub(crate) fn next(&mut self) -> Duration {
        let nominal = self.next;
        self.next = (nominal * 2).min(self.bounds.max);
        nominal.mul_f64(rand::random_range(0.5..1.5))
    }

    /// Waits after one more failure. `false` when `stop` came first.
    pub(crate) async fn wait(&mut self, stop: &CancellationToken) -> bool {
        let wait = self.next();
        stop.run_until_cancelled(sleep(wait)).await.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_start_anew_after_a_success() {
        let bounds = Bounds { min: Duration::from_millis(50), max: Duration::from_millis(150) };
        let mut backoff = Backoff::new(bounds);
        for nominal in [50, 100, 150, 150] {
            let wait = backoff.next().as_millis();
            assert!((nominal / 2..=nominal * 3 / 2).contains(&wait), "{wait} ms for {nominal}");
        }
        backoff.reset();
        assert!(backoff.next() <= bounds.min.mul_f64(1.5));
    }
}
