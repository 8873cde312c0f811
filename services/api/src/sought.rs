//! Which entries were asked for lately: what is asked for once is not worth a place in the cache, nor the way there.
//!
//! It is the doorkeeper of Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy" (2017), as a table
//! without chains: an entry leaves its mark in the one place that its hash names, where it lies until another's comes. It may
//! forget, and once in some four billion times take one entry for another: either costs a little time, and must never change an
//! answer.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU32, Ordering},
};

use cache::Key;

/// 256 KiB of marks. In the two seconds for which an entry is kept a busy replica answers some hundred thousand reads.
const PLACES: usize = 1 << 16;

/// Marks of what was asked for. The hash has a secret of its own in each process, so that no client can choose what is forgotten.
pub(crate) struct Sought {
    marks: Box<[AtomicU32]>,
    hasher: RandomState,
}

impl Sought {
    pub(crate) fn new() -> Self {
        Self { marks: (0..PLACES).map(|_| AtomicU32::new(0)).collect(), hasher: RandomState::new() }
    }

    /// Whether this was asked for lately; it has been from now on.
    pub(crate) fn again(&self, key: &Key) -> bool {
        let hash = self.hasher.hash_one(key);
        let mark = (hash >> 32) as u32;
        let place = hash as usize % PLACES;
        self.marks.get(place).is_some_and(|lies| lies.swap(mark, Ordering::Relaxed) == mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_again_is_known_and_another_is_not() {
        let sought = Sought::new();
        let key = |name: u32| Key::new("token", name);
        let known = |names: std::ops::Range<u32>| names.filter(|name| sought.again(&key(*name))).count();
        assert_eq!(known(0..1_000), 0);
        // Some lose their places to others.
        assert!(known(0..1_000) > 950);
        assert!(!sought.again(&Key::new("other", 1)));
        // Far more than there are places for.
        assert_eq!(known(1_000..1_001_000), 0);
        assert!(known(0..1_000) < 10);
    }
}
