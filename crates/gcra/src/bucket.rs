//! What requests are taken out of, and what came of taking one.

use std::time::Duration;

/// A client's bucket. Its key holds the client's address: it must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its key in Redis, prefix and all.
    pub key: String,
    /// After how many microseconds one more request may come; at least 1.
    pub interval_us: u64,
    /// How many requests may come at once; at least 1.
    pub burst: u32,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it passes.
    pub passes: bool,
    /// How many more would pass now.
    pub remaining: u64,
    /// How long until one more than that would.
    pub next: Duration,
}

impl Verdict {
    /// `next` in whole seconds, never too early.
    pub fn next_s(&self) -> u32 {
        u32::try_from(self.next.as_micros().div_ceil(1_000_000)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds_that_are_never_too_few() {
        let next_s = |us| Verdict { passes: true, remaining: 0, next: Duration::from_micros(us) }.next_s();
        assert_eq!([1, 999_999, 1_000_000, 1_000_001].map(next_s), [1, 1, 1, 2]);
    }
}
