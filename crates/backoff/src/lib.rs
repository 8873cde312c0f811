//! How long to wait before the next attempt: doubling from a lower to an upper bound, with jitter, so that those who failed
//! together do not come back together. It never gives up: whoever retries says when to stop.

use std::time::Duration;

use tokio::time::sleep;

/// The bounds of the waits between attempts.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The first wait.
    pub min: Duration,
    /// No wait is longer, jitter aside.
    pub max: Duration,
}

/// A row of failed attempts.
#[derive(Debug)]
pub struct Backoff {
    bounds: Bounds,
    next: Duration,
}

impl Backoff {
    /// Nothing has failed yet.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, next: bounds.min }
    }

    /// Waits after one more failure. Dropped before it is over, the wait does not count: the next one is as long.
    pub async fn wait(&mut self) {
        sleep(jittered(self.next)).await;
        self.grow();
    }

    /// An attempt succeeded: the next failure waits the shortest time again.
    pub fn reset(&mut self) {
        self.next = self.bounds.min;
    }

    /// As [`Backoff::reset`], if what the attempt brought has held for a while, which is twice the longest wait: something that
    /// succeeds and fails in the same breath must not be tried without pause.
    pub fn held_for(&mut self, held: Duration) {
        if held >= self.bounds.max * 2 {
            self.reset();
        }
    }

    fn grow(&mut self) {
        self.next = (self.next * 2).min(self.bounds.max);
    }
}

/// Half to one and a half times this long, by chance: for a pause that is the same after every failure.
pub fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.5..1.5))
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const BOUNDS: Bounds = Bounds { min: Duration::from_millis(50), max: Duration::from_millis(150) };

    #[test]
    fn waits_double_up_to_the_bound_and_start_anew_after_a_success() {
        let mut backoff = Backoff::new(BOUNDS);
        for nominal in [50, 100, 150, 150] {
            assert_eq!(backoff.next, Duration::from_millis(nominal));
            backoff.grow();
        }
        backoff.reset();
        assert_eq!(backoff.next, BOUNDS.min);
    }

    #[test]
    fn what_holds_for_a_moment_only_is_no_success() {
        let mut backoff = Backoff::new(BOUNDS);
        backoff.grow();
        backoff.held_for(BOUNDS.max * 2 - Duration::from_millis(1));
        assert_eq!(backoff.next, BOUNDS.min * 2);
        backoff.held_for(BOUNDS.max * 2);
        assert_eq!(backoff.next, BOUNDS.min);
    }

    #[test]
    fn jitter_is_half_of_the_pause_to_either_side() {
        let pause = Duration::from_secs(2);
        let pauses: Vec<Duration> = (0..1_000).map(|_| jittered(pause)).collect();
        assert!(pauses.iter().all(|pause| (1..=3).contains(&pause.as_secs())), "{pauses:?}");
        assert!(pauses.iter().any(|jittered| *jittered < pause) && pauses.iter().any(|jittered| *jittered > pause), "{pauses:?}");
    }

    #[tokio::test]
    async fn only_a_wait_that_is_over_counts() {
        let mut backoff = Backoff::new(Bounds { min: Duration::from_secs(3_600), ..BOUNDS });
        assert!(timeout(Duration::from_millis(1), backoff.wait()).await.is_err());
        assert_eq!(backoff.next, Duration::from_secs(3_600));
        let mut backoff = Backoff::new(Bounds { min: Duration::from_millis(1), ..BOUNDS });
        backoff.wait().await;
        assert_eq!(backoff.next, Duration::from_millis(2));
    }
}
