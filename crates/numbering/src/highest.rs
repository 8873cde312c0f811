//! The highest epoch in MySQL. Read once for all concurrent callers; no caller gets a result read before it asked.
//!
//! Whoever asks for a chat or a message that was never given asks for it, and anybody may do that as often as he likes.

use std::time::Instant;

use events::Epoch;
use tokio::sync::Mutex;

use crate::Error;

type Found = Result<Option<Epoch>, Error>;

/// The last look, and when it began.
#[derive(Default)]
pub(crate) struct Highest(Mutex<Option<(Instant, Found)>>);

impl Highest {
    /// What a `look` finds that begins now or later: another's, if one begins while this caller waits for its turn. Each look has
    /// a deadline, and nobody waits for more than two; when one fails, those who share it are told the same.
    pub(crate) async fn asked(&self, look: impl AsyncFnOnce() -> Found) -> Found {
        let came = Instant::now();
        let mut last = self.0.lock().await;
        if let Some((_, found)) = last.filter(|(began, _)| *began >= came) {
            return found;
        }
        let began = Instant::now();
        let found = look().await;
        *last = Some((began, found));
        found
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures_util::future::join_all;
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn a_herd_costs_two_looks_and_nobody_is_told_of_an_earlier_one() {
        let (highest, looks) = (Highest::default(), AtomicU64::new(0));
        let ask = async || {
            let before = looks.load(Ordering::Relaxed);
            let look = async || {
                let look = looks.fetch_add(1, Ordering::Relaxed) + 1;
                yield_now().await;
                Ok(Some(Epoch::new(look)))
            };
            let found = highest.asked(look).await.unwrap().unwrap();
            assert!(found.get() > before, "look {} was there when it was asked", found.get());
        };
        join_all((0..100).map(|_| ask())).await;
        assert_eq!(looks.load(Ordering::Relaxed), 2, "one for the first, and one for those who came meanwhile");
        ask().await;
        assert_eq!(looks.load(Ordering::Relaxed), 3);
    }
}
