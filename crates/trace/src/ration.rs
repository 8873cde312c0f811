//! How many in a second: callers of anywhere may ask to be traced, and must not have it done for all of their requests.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Lets so many pass in each second.
#[derive(Debug)]
pub(crate) struct Ration {
    per_s: u32,
    made: Instant,
    /// The second, counted from `made`, in the upper half, and how many have passed in it in the lower.
    taken: AtomicU64,
}

impl Ration {
    pub(crate) fn new(per_s: u32) -> Self {
        Self { per_s, made: Instant::now(), taken: AtomicU64::new(0) }
    }

    pub(crate) fn pass(&self) -> bool {
        self.pass_in(self.made.elapsed().as_secs())
    }

    fn pass_in(&self, second: u64) -> bool {
        let next = |taken: u64| {
            let passed = if taken >> 32 == second { taken & u64::from(u32::MAX) } else { 0 };
            (passed < u64::from(self.per_s)).then_some((second << 32) | (passed + 1))
        };
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_pass_in_each_second() {
        let ration = Ration::new(2);
        let passed: Vec<bool> = [0, 0, 0, 1, 1, 1, 9].map(|second| ration.pass_in(second)).into();
        assert_eq!(passed, [true, true, false, true, true, false, true]);
        assert!(!Ration::new(0).pass());
    }
}
