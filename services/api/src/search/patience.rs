//! How long a search waits for whom. Its answer comes within the time of a request, so each server is given a part of that, and
//! who is late is named: Elasticsearch must never be blamed for what MySQL took, nor for the wait for a chat that is not stored
//! yet.

use std::{cell::Cell, future::Future, time::Duration};

use tokio::time::{Instant, timeout};

/// How long Elasticsearch may take in all, so that there is time left to look into MySQL instead.
const INDEX_WITHIN: Duration = Duration::from_millis(1_500);
/// How long after a search's beginning Elasticsearch is waited for, for the same reason.
const INDEX_UNTIL: Duration = Duration::from_millis(2_000);
/// How long it is waited for where that is over, or nearly, when it is asked.
const INDEX_AT_LEAST: Duration = Duration::from_millis(250);
/// How long after its beginning a search looks for hits in texts.
const LOOK_UNTIL: Duration = Duration::from_millis(2_500);
/// How long after its beginning hits are still marked.
const MARK_UNTIL: Duration = Duration::from_millis(2_600);
/// How long after a search's beginning MySQL is waited for, for the texts of what the index has found.
const TEXTS_UNTIL: Duration = Duration::from_millis(2_700);

/// The time of one search.
pub(super) struct Patience {
    began: Instant,
    /// What is left to Elasticsearch of its own time.
    index: Cell<Duration>,
}

impl Patience {
    /// Of a search that begins now.
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), index: Cell::new(INDEX_WITHIN) }
    }

    /// What Elasticsearch answers; `None` when that takes too long. Only the time in which it is waited for here is its own.
    pub(super) async fn with_index<T>(&self, asked: impl Future<Output = T>) -> Option<T> {
        let (at, left) = (Instant::now(), self.index.get());
        let answer = timeout(index_within(at.duration_since(self.began), left), asked).await;
        self.index.set(left.saturating_sub(at.elapsed()));
        answer.ok()
    }

    /// Until when hits are looked for in texts.
    pub(super) fn looks_until(&self) -> Instant {
        self.began + LOOK_UNTIL
    }

    /// Until when hits are marked.
    pub(super) fn marks_until(&self) -> Instant {
        self.began + MARK_UNTIL
    }

    /// Until when MySQL is waited for.
    pub(super) fn reads_until(&self) -> Instant {
        self.began + TEXTS_UNTIL
    }
}

/// How long Elasticsearch may take now, so long after the beginning, when so much is left of its time.
fn index_within(passed: Duration, left: Duration) -> Duration {
    INDEX_UNTIL.saturating_sub(passed).max(INDEX_AT_LEAST).min(left)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn the_index_is_waited_for_as_long_as_leaves_time_to_look_into_mysql() {
        // What has passed, what is left to the index, and how long that is waited for.
        for (passed, left, within) in [
            (0, 1_500, 1_500),
            (400, 1_500, 1_500),
            (1_100, 1_500, 900),
            (1_100, 600, 600),
            (1_900, 1_500, 250),
            (2_600, 1_500, 250),
            (2_600, 100, 100),
        ] {
            let told = index_within(Duration::from_millis(passed), Duration::from_millis(left));
            assert_eq!(told, Duration::from_millis(within), "{passed} {left}");
        }
    }

    #[tokio::test]
    async fn only_the_wait_for_the_index_is_taken_from_its_time() {
        let patience = Patience { began: Instant::now(), index: Cell::new(Duration::from_millis(200)) };
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(patience.with_index(ready(7)).await, Some(7));
        assert_eq!(patience.with_index(pending::<()>()).await, None);
        assert_eq!(patience.index.get(), Duration::ZERO);
    }
}
