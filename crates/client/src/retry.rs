//! When an attempt is made again: when the service says so, or did not answer. Never for ever, and never all clients at once.
//!
//! The pauses are not those of the crate `backoff`: who takes this crate takes no other of ours, and a pause that the service
//! asked for must not be cut short by jitter.

use std::time::{Duration, Instant};

use crate::{Options, Problem};

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// Whether the same request may succeed later: the service is overloaded or without a server that it needs (503), was asked too
/// often (429), or is about to know better (409 with `Retry-After`: an update of what is not stored yet).
pub(crate) fn may_succeed_later(problem: &Problem) -> bool {
    match problem.status {
        429 | 503 => true,
        409 => problem.retry_after.is_some(),
        _ => false,
    }
}

/// Whether nobody knows if the attempt was accepted.
pub(crate) fn is_unsure(problem: &Problem) -> bool {
    problem.code == "timeout" || (problem.code.is_empty() && problem.status >= 500)
}

/// The pauses of one call.
pub(crate) struct Pauses {
    deadline: Instant,
    longest: Duration,
    backoff: Duration,
}

impl Pauses {
    pub(crate) fn new(options: &Options) -> Self {
        let longest = options.longest_pause;
        Self { deadline: Instant::now() + options.patience, longest, backoff: SHORTEST_PAUSE.min(longest) }
    }

    /// How long to wait before the next attempt: as long as was asked for, or twice as long each time; a little more by chance.
    /// `None` when the call has had its time.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let pause = asked.unwrap_or(self.backoff).min(self.longest).mul_f64(rand::random_range(1.0..1.5));
        self.backoff = (self.backoff * 2).min(self.longest);
        (Instant::now() + pause <= self.deadline).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(status: u16, code: &str, retry_after: Option<u64>) -> Problem {
        let retry_after = retry_after.map(Duration::from_secs);
        Problem { status, code: code.into(), detail: String::new(), errors: Vec::new(), request_id: None, retry_after }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for (status, retry_after, again) in [
            (503, Some(1), true),
            (503, None, true),
            (429, Some(1), true),
            (409, Some(1), true),
            (409, None, false),
            (400, None, false),
            (404, None, false),
            (422, None, false),
            (500, None, false),
        ] {
            assert_eq!(may_succeed_later(&problem(status, "x", retry_after)), again, "{status}");
        }
    }

    #[test]
    fn a_refusal_before_acceptance_leaves_no_doubt() {
        for (status, code, unsure) in [
            (503, "timeout", true),
            (503, "overloaded", false),
            (503, "dependency_unavailable", false),
            (504, "", true),
            (429, "", false),
        ] {
            assert_eq!(is_unsure(&problem(status, code, None)), unsure, "{status} {code}");
        }
    }

    #[test]
    fn pauses_grow_to_the_longest_keep_to_what_is_asked_and_end() {
        let (patience, longest_pause) = (Duration::from_secs(60), Duration::from_secs(2));
        let mut pauses = Pauses::new(&Options { patience, longest_pause, ..Options::default() });
        for expected in [100, 200, 400, 800, 1_600, 2_000, 2_000] {
            let expected = Duration::from_millis(expected);
            assert!((expected..expected * 2).contains(&pauses.next(None).unwrap()), "{expected:?}");
        }
        let asked = pauses.next(Some(Duration::from_secs(1))).unwrap();
        assert!((Duration::from_secs(1)..Duration::from_millis(1_500)).contains(&asked));
        assert!(pauses.next(Some(Duration::from_secs(3_600))).unwrap() < longest_pause * 2);
        let mut once = Pauses::new(&Options { patience: Duration::ZERO, ..Options::default() });
        assert_eq!(once.next(None), None);
    }
}
