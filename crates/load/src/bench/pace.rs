//! How fast something long was worked off, from looks at how much of it was done: its begin is left out, in which processes
//! start.

use std::time::Instant;

/// This part is over before the clock starts.
const LEAD: f64 = 0.05;

/// Looks at a work of `total` pieces.
#[derive(Debug)]
pub(super) struct Pace {
    total: f64,
    begun: Option<(Instant, f64)>,
}

impl Pace {
    pub(super) fn new(total: u64) -> Self {
        Self { total: total as f64, begun: None }
    }

    /// `done` pieces are done at this moment. The rate, once all are.
    pub(super) fn look(&mut self, now: Instant, done: u64) -> Option<f64> {
        let done = done as f64;
        if self.begun.is_none() && done >= self.total * LEAD {
            self.begun = Some((now, done));
        }
        let (since, before) = self.begun.filter(|_| done >= self.total)?;
        let took = now.saturating_duration_since(since).as_secs_f64();
        // Done between two looks: too little to tell its rate.
        Some(if took > 0.0 { (self.total - before) / took } else { f64::NAN })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_rate_is_that_of_all_but_the_begin() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(1_000);
        assert_eq!(pace.look(at(0), 0), None);
        assert_eq!(pace.look(at(30), 40), None);
        assert_eq!(pace.look(at(31), 100), None);
        assert_eq!(pace.look(at(35), 600), None);
        assert_eq!(pace.look(at(40), 1_000), Some(100.0));
    }

    #[test]
    fn what_was_too_quick_to_be_seen_has_no_rate() {
        assert!(Pace::new(10).look(Instant::now(), 10).unwrap().is_nan());
    }
}
