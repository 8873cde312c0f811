//! Which entries were asked for lately: what is asked for once is not worth a place in the cache, nor the way there.
//!
//! It is the doorkeeper of Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy" (2017), as a table
//! without chains: an entry leaves its mark in the one place that its hash names, where it lies until another's comes. It may
//! forget, and once in some four billion times take one entry for another: either costs a little time, and must never change an
//! answer.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use cache::Key;

/// 512 KiB of marks. In the two seconds for which an entry is kept a busy replica answers some hundred thousand reads.
const PLACES: usize = 1 << 16;

/// Marks of what was asked for: half of its hash, and when, in milliseconds. The hash has a secret of its own in each process, so
/// that no client can choose what is forgotten.
pub(crate) struct Sought {
    marks: Box<[AtomicU64]>,
    hasher: RandomState,
    begun: Instant,
    within_ms: u32,
}

impl Sought {
    /// `within` is how long an entry is kept: what is asked for less often is never found.
    pub(crate) fn new(within: Duration) -> Self {
        Self {
            marks: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            begun: Instant::now(),
            within_ms: u32::try_from(within.as_millis()).unwrap_or(u32::MAX),
        }
    }

    /// Whether this was asked for lately; it has been from now on.
    pub(crate) fn again(&self, key: &Key) -> bool {
        // Goes around every 49 days, when it may take something for asked for that was so long ago.
        self.again_at(self.begun.elapsed().as_millis() as u32, key)
    }

    fn again_at(&self, now_ms: u32, key: &Key) -> bool {
        let hash = self.hasher.hash_one(key);
        let name = hash >> 32;
        let Some(place) = self.marks.get(hash as usize % PLACES) else { return false };
        let before = place.swap(name << 32 | u64::from(now_ms), Ordering::Relaxed);
        before >> 32 == name && now_ms.wrapping_sub(before as u32) <= self.within_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_again_is_known_and_another_is_not() {
        let sought = Sought::new(Duration::from_secs(3600));
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

    #[test]
    fn what_was_asked_for_too_long_ago_was_not() {
        let sought = Sought::new(Duration::from_secs(2));
        let key = Key::new("token", 1);
        let again = |now_ms| sought.again_at(now_ms, &key);
        assert!(!again(10_000) && again(12_000) && again(14_000));
        assert!(!again(16_001) && again(16_002));
        // The clock goes around.
        assert!(!again(u32::MAX - 500) && again(1_000));
    }
}
