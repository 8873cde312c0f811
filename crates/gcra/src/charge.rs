//! The charge of one request to its client's bucket: made once, by whoever first asks Redis on its way.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Bucket, Verdict};

/// A request's charge. Clones are the same one: whoever handed it on learns from his what came of it.
#[derive(Clone)]
pub struct Charge(Arc<Shared>);

struct Shared {
    bucket: Bucket,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
enum State {
    Due,
    Asked,
    Judged(Verdict),
}

/// How a charge stands.
pub enum Standing<'a> {
    /// Redis was not asked yet. Whoever gets this asks.
    Due(Claim<'a>),
    /// Redis was asked, and has not answered: the request may have been taken out of the bucket or not.
    Unanswered,
    /// Redis has answered.
    Judged(Verdict),
}

/// The right and the duty to ask Redis. When it is dropped without a word, the charge stands unanswered.
#[must_use]
pub struct Claim<'a>(&'a Shared);

impl Charge {
    /// The charge of a request to this bucket, not made yet.
    pub fn new(bucket: Bucket) -> Self {
        Self(Arc::new(Shared { bucket, state: Mutex::new(State::Due) }))
    }

    /// How it stands; if it is due it is the caller's to make, and nobody else's.
    pub fn claim(&self) -> Standing<'_> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Due => {
                *state = State::Asked;
                Standing::Due(Claim(&self.0))
            }
            State::Asked => Standing::Unanswered,
            State::Judged(verdict) => Standing::Judged(verdict),
        }
    }
}

impl Claim<'_> {
    /// The bucket to take the request out of.
    pub fn bucket(&self) -> &Bucket {
        &self.0.bucket
    }

    /// Redis has answered.
    pub fn judged(self, verdict: Verdict) {
        self.0.set(State::Judged(verdict));
    }

    /// Redis has surely not taken the request out of its bucket: the charge is due again.
    pub fn undone(self) {
        self.0.set(State::Due);
    }
}

impl Shared {
    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Charge(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn charge() -> Charge {
        Charge::new(Bucket { key: "limit:requests:192.0.2.1".into(), interval_us: 600_000, burst: 100 })
    }

    fn claim(charge: &Charge) -> Claim<'_> {
        match charge.claim() {
            Standing::Due(claim) => claim,
            _ => panic!("the charge is not due"),
        }
    }

    #[test]
    fn only_one_makes_the_charge_and_all_learn_of_it() {
        let charge = charge();
        let other = charge.clone();
        let claim = claim(&charge);
        assert_eq!(claim.bucket().burst, 100);
        assert!(matches!(other.claim(), Standing::Unanswered));
        let verdict = Verdict { passes: true, remaining: 57, next: Duration::from_millis(600) };
        claim.judged(verdict);
        assert!(matches!(other.claim(), Standing::Judged(judged) if judged == verdict));
    }

    #[test]
    fn a_charge_that_was_surely_not_made_is_due_again_and_one_that_may_have_been_is_not() {
        let charge = charge();
        claim(&charge).undone();
        drop(claim(&charge));
        assert!(matches!(charge.claim(), Standing::Unanswered));
    }

    #[test]
    fn a_charge_does_not_show_whose_it_is() {
        assert_eq!(format!("{:?}", charge()), "Charge(…)");
    }
}
