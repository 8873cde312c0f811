//! How fast something long was worked off, from looks at how much of it was done: its begin is left out, in which processes
//! start.

use std::time::{Duration, Instant};

/// This part is over before the clock starts.
const LEAD: f64 = 0.05;
/// Between two looks, in seconds: where the begin or the end may lie, and elsewhere.
const NEAR: f64 = 0.05;
const FAR: f64 = 0.5;

/// Looks at a work of `total` pieces.
#[derive(Debug)]
pub(super) struct Pace {
    total: f64,
    begun: Option<(Instant, f64)>,
    last: Option<(Instant, f64)>,
}

impl Pace {
    pub(super) fn new(total: u64) -> Self {
        Self { total: total as f64, begun: None, last: None }
    }

    /// `done` pieces are done at this moment. The rate, once all are.
    pub(super) fn look(&mut self, now: Instant, done: u64) -> Option<f64> {
        let done = done as f64;
        self.last = Some((now, done));
        if self.begun.is_none() && done >= self.total * LEAD {
            self.begun = Some((now, done));
        }
        let (since, before) = self.begun.filter(|_| done >= self.total)?;
        let took = now.saturating_duration_since(since).as_secs_f64();
        // Done between two looks: too little to tell its rate.
        Some(if took > 0.0 { (self.total - before) / took } else { f64::NAN })
    }

    /// How long to wait until the next look: a look costs what is looked at, but the end is to be seen when it comes. Half as
    /// long as the rest will take at the rate so far, within bounds.
    pub(super) fn pause(&self) -> Duration {
        let seconds = self.rest().map_or(NEAR, |rest| (rest / 2.0).clamp(NEAR, FAR));
        Duration::from_secs_f64(seconds)
    }

    fn rest(&self) -> Option<f64> {
        let ((since, before), (now, done)) = (self.begun?, self.last?);
        let took = now.saturating_duration_since(since).as_secs_f64();
        (done > before && took > 0.0).then(|| (self.total - done).max(0.0) * took / (done - before))
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
    fn looks_are_many_only_about_the_begin_and_the_end() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::new(1_000);
        assert_eq!(pace.pause(), Duration::from_millis(50));
        for (millis, done, pause) in
            [(0, 0, 50), (50, 100, 50), (100, 110, 500), (4_000, 890, 275), (4_450, 990, 50), (5_000, 990, 50)]
        {
            assert_eq!(pace.look(at(millis), done), None);
            let found = pace.pause().as_millis();
            assert!(found.abs_diff(pause) <= 1, "{found} ms at {millis} ms");
        }
    }

    #[test]
    fn what_was_too_quick_to_be_seen_has_no_rate() {
        assert!(Pace::new(10).look(Instant::now(), 10).unwrap().is_nan());
    }
}
