//! Keeps the entries of one replica within its share of Redis' memory.
//!
//! What is put lives no longer than one window, so at any moment Redis holds at most what was put in this window and the one
//! before: half of the share may be put in each. Nothing is asked of Redis, and replicas need not agree.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What a key costs beside its value, about: its name, and Redis' own records of it and of its end.
const KEY_BYTES: u64 = 300;

pub(crate) struct Budget {
    each_window: u64,
    window: Duration,
    spent: Mutex<Spent>,
}

struct Spent {
    since: Instant,
    bytes: u64,
}

impl Budget {
    /// `window` is the longest that anything lives.
    pub(crate) fn new(bytes: u64, window: Duration) -> Self {
        Self { each_window: bytes / 2, window, spent: Mutex::new(Spent { since: Instant::now(), bytes: 0 }) }
    }

    /// Takes the cost of a key with a value of this length, if there is enough left.
    pub(crate) fn take(&self, length: u64) -> bool {
        self.take_at(Instant::now(), length)
    }

    fn take_at(&self, now: Instant, length: u64) -> bool {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(spent.since) >= self.window {
            *spent = Spent { since: now, bytes: 0 };
        }
        let after = spent.bytes.saturating_add(KEY_BYTES).saturating_add(length);
        if after > self.each_window {
            return false;
        }
        spent.bytes = after;
        true
    }

    /// Gives back what [`take`](Self::take) took and was not needed.
    pub(crate) fn give_back(&self, length: u64) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.bytes = spent.bytes.saturating_sub(KEY_BYTES + length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_spent_in_a_window_and_the_next_one_has_its_own() {
        let window = Duration::from_secs(10);
        let budget = Budget::new(2 * (2 * KEY_BYTES + 100), window);
        let now = Instant::now();
        assert!(budget.take_at(now, 100));
        assert!(!budget.take_at(now, 1));
        assert!(budget.take_at(now, 0));
        assert!(!budget.take_at(now + window / 2, 0));
        budget.give_back(0);
        assert!(budget.take_at(now, 0));
        assert!(budget.take_at(now + window, 100));
        assert!(!budget.take_at(now + window, 1));
    }
}
