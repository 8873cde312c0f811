//! When this process first saw entries whose creates have yet to begin, by its clock: either its clock is wrong or that of the
//! ingest which made them, by seconds or by days. Nobody can tell when such a create began, but that it was no later than when
//! its entry was seen.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::Timestamp;

/// Moments that are remembered. They are those of entries above missing numbers, so there are few.
const MAX: usize = 1_000;

/// What the entries claim, and when they were first seen. It does not outlive the process: what it saw is seen anew.
#[derive(Default)]
pub(crate) struct Sightings(Mutex<HashMap<Timestamp, Timestamp>>);

impl Sightings {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// When a create began at the latest whose entry says `claimed`, and is seen now.
    pub(crate) fn began(&self, claimed: Timestamp) -> Timestamp {
        self.began_by(claimed, Timestamp::now())
    }

    fn began_by(&self, claimed: Timestamp, now: Timestamp) -> Timestamp {
        if claimed <= now {
            return claimed;
        }
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX && !seen.contains_key(&claimed) {
            // What this clock has reached is told without a memory.
            seen.retain(|claimed, _| *claimed > now);
            if seen.len() >= MAX {
                return now;
            }
        }
        let first = seen.entry(claimed).or_insert(now);
        // A clock that was set back since has to count anew.
        *first = now.min(*first);
        *first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    #[test]
    fn a_claim_that_can_be_true_is_believed() {
        let sightings = Sightings::new();
        assert_eq!(sightings.began_by(at(500), at(1_000)), at(500));
        assert_eq!(sightings.began_by(at(1_000), at(1_000)), at(1_000));
    }

    #[test]
    fn what_comes_from_the_future_began_when_it_was_first_seen_at_the_latest() {
        let sightings = Sightings::new();
        assert_eq!(sightings.began_by(at(90_000), at(1_000)), at(1_000));
        assert_eq!(sightings.began_by(at(90_000), at(5_000)), at(1_000));
        assert_eq!(sightings.began_by(at(91_000), at(6_000)), at(6_000));
        // A clock that is set back, and goes on.
        assert_eq!(sightings.began_by(at(91_000), at(2_000)), at(2_000));
        assert_eq!(sightings.began_by(at(91_000), at(3_000)), at(2_000));
    }

    #[test]
    fn no_more_is_remembered_than_may_be() {
        let sightings = Sightings::new();
        for moment in 0..2 * MAX as i64 {
            assert_eq!(sightings.began_by(at(10_000 + moment), at(1_000)), at(1_000));
        }
        assert_eq!(sightings.0.lock().unwrap().len(), MAX);
        // The first of them is remembered, the last is not.
        assert_eq!(sightings.began_by(at(10_000), at(2_000)), at(1_000));
        assert_eq!(sightings.began_by(at(10_000 + 2 * MAX as i64 - 1), at(2_000)), at(2_000));
        // What was claimed has come: there is room.
        assert_eq!(sightings.began_by(at(90_000), at(50_000)), at(50_000));
        assert_eq!(sightings.began_by(at(90_000), at(60_000)), at(50_000));
    }
}
