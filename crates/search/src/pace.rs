//! How large a request that writes documents is made: about as much as the server lately took in a moment.
//!
//! A server that has just started, or whose processors others use, takes a small part of what it takes at its best. All documents
//! of a request are written before any of them shows in searches, so one that is made for the best would let text be found
//! seconds later than need be. Must never stop the writing: the least that it asks for is always sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Bytes of the first request, and the least that a slow server is sent: about a hundred short messages.
const LEAST: usize = 64 * 1024;
/// Bytes beyond which a larger request is no better.
const MOST: usize = 2 * 1024 * 1024;
/// How long a request should take. What a request costs by itself, some milliseconds, is little of it; and two of it, with the
/// pause until searches show what was written, are within the time in which new text is to be found.
const AIM: Duration = Duration::from_millis(400);

/// The size of the next request. Clones are the same pace; of two updates at once one may be lost, and the next request makes up
/// for it.
#[derive(Debug, Clone)]
pub(crate) struct Pace(Arc<AtomicUsize>);

impl Pace {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(LEAST)))
    }

    /// For requests whose time says nothing of their size: they begin as large as may be, and shrink when they fail.
    pub(crate) fn untimed() -> Self {
        Self(Arc::new(AtomicUsize::new(MOST)))
    }

    /// How many bytes the next request may have: 64 KiB to 2 MiB.
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A request of so many bytes was answered. It may double the next one, if it was not a small one, and may shrink it at once.
    pub(crate) fn took(&self, bytes: usize, elapsed: Duration) {
        let now = self.bytes();
        let in_time = (bytes as f64 * AIM.as_secs_f64() / elapsed.as_secs_f64().max(1e-6)) as usize;
        if elapsed > AIM {
            self.set(in_time.min(now));
        } else if bytes > now / 2 {
            self.set(in_time.clamp(now, now * 2));
        }
    }

    /// A request of so many bytes was answered, whatever took its time. The next one may be a little larger, if it was not a
    /// small one.
    pub(crate) fn answered(&self, bytes: usize) {
        let now = self.bytes();
        if bytes > now / 2 {
            self.set(now + now / 8);
        }
    }

    /// A request was not answered in time, or refused as a whole.
    pub(crate) fn failed(&self) {
        self.set(self.bytes() / 2);
    }

    fn set(&self, bytes: usize) {
        self.0.store(bytes.clamp(LEAST, MOST), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size after requests as large as may be, to a server that takes so many bytes a second.
    fn after(requests: usize, bytes_per_second: f64, pace: &Pace) -> usize {
        for _ in 0..requests {
            let bytes = pace.bytes();
            pace.took(bytes, Duration::from_secs_f64(bytes as f64 / bytes_per_second));
        }
        pace.bytes()
    }

    #[test]
    fn it_begins_small_and_comes_to_what_the_server_takes_in_the_time_aimed_at() {
        let pace = Pace::new();
        assert_eq!(pace.bytes(), LEAST);
        assert_eq!(after(1, 1e9, &pace), 2 * LEAST);
        let settled = after(10, 1e6, &pace);
        assert!((390_000..=400_000).contains(&settled), "{settled}");
        assert_eq!(after(10, 1e9, &pace), MOST);
    }

    #[test]
    fn a_server_that_becomes_slow_gets_less_with_the_next_request() {
        let pace = Pace::new();
        assert_eq!(after(10, 1e9, &pace), MOST);
        assert!(after(1, 1e6, &pace) <= 400_000);
        assert_eq!(after(10, 1e3, &pace), LEAST);
    }

    #[test]
    fn a_failure_halves_it_and_never_stops_it() {
        let pace = Pace::new();
        assert_eq!(after(10, 1e9, &pace), MOST);
        pace.failed();
        assert_eq!(pace.bytes(), MOST / 2);
        (0..20).for_each(|_| pace.failed());
        assert_eq!(pace.bytes(), LEAST);
    }

    #[test]
    fn without_a_time_it_begins_large_and_comes_back_slowly_from_a_failure() {
        let pace = Pace::untimed();
        assert_eq!(pace.bytes(), MOST);
        pace.failed();
        pace.answered(MOST / 4);
        assert_eq!(pace.bytes(), MOST / 2);
        pace.answered(MOST / 2);
        assert_eq!(pace.bytes(), MOST / 2 + MOST / 16);
        (0..20).for_each(|_| pace.answered(MOST));
        assert_eq!(pace.bytes(), MOST);
    }

    #[test]
    fn a_lone_document_that_is_quickly_written_says_nothing_of_large_requests() {
        let pace = Pace::new();
        pace.took(300, Duration::from_millis(3));
        assert_eq!(pace.bytes(), LEAST);
        pace.took(LEAST, Duration::ZERO);
        assert_eq!(pace.bytes(), 2 * LEAST);
    }
}
