//! How long to wait before trying again: doubling, bounded, and never at the same moment as the others.

use std::time::Duration;

const MIN: Duration = Duration::from_millis(50);
const MAX: Duration = Duration::from_secs(2);

/// Delays of 50 ms to 2 s, each doubled until the bound, times a random factor of 0.5 to 1.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: MIN }
    }

    pub(crate) fn delay(&mut self) -> Duration {
        let delay = self.next.mul_f64(rand::random_range(0.5..1.0));
        self.next = (self.next * 2).min(MAX);
        delay
    }

    /// Starts from the shortest delay again if what was tried has held for a while: something that succeeds and fails in the
    /// same breath must not be tried without pause.
    pub(crate) fn held_for(&mut self, held: Duration) {
        if held > MAX {
            self.next = MIN;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_bound_and_start_again_only_after_a_while() {
        let mut backoff = Backoff::new();
        let delays: Vec<Duration> = (0..50).map(|_| backoff.delay()).collect();
        assert!(delays[0] < Duration::from_millis(51), "{delays:?}");
        assert!(delays.iter().all(|delay| *delay <= MAX) && delays[49] >= MAX / 2, "{delays:?}");
        backoff.held_for(Duration::from_millis(100));
        assert!(backoff.delay() >= MAX / 2);
        backoff.held_for(Duration::from_secs(60));
        assert!(backoff.delay() < Duration::from_millis(51));
    }
}
