//! Since when the oldest create waits that a partition's pipeline has taken from the queue and not stored yet. Queues are worked
//! off in their order, so this is the oldest of the whole queue. Only for metrics: nothing depends on it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::Timestamp;

use crate::decode::Entry;

/// Nothing was taken yet, so nobody knows.
const UNKNOWN: i64 = i64::MIN;
/// All that was taken is stored.
const NONE: i64 = i64::MAX;

/// Clones share the value: the pipeline writes, the monitor reads.
#[derive(Debug, Clone)]
pub(crate) struct Oldest(Arc<AtomicI64>);

impl Oldest {
    /// Of a pipeline that has not begun.
    pub(crate) fn unknown() -> Self {
        Self(Arc::new(AtomicI64::new(UNKNOWN)))
    }

    /// These were taken as well.
    pub(crate) fn took(&self, entries: &[Entry]) {
        let Some(oldest) = entries.iter().filter_map(Entry::created_at).map(Timestamp::to_unix_millis).min() else { return };
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(if before == UNKNOWN { oldest } else { before.min(oldest) }, Ordering::Relaxed);
    }

    /// Nothing is held any more.
    pub(crate) fn clear(&self) {
        self.0.store(NONE, Ordering::Relaxed);
    }

    /// How long it has waited; zero when nothing waits, and `None` when that is not known.
    pub(crate) fn age(&self, now: Timestamp) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            UNKNOWN => None,
            NONE => Some(Duration::ZERO),
            // The clock of the machine that accepted it may be ahead.
            since => Some(Duration::from_millis(u64::try_from(now.to_unix_millis() - since).unwrap_or(0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use events::Item;

    use super::*;
    use crate::decode::{Subject, sample};

    fn accepted_at(millis: i64) -> Entry {
        let mut entry = sample::message(1, 1);
        if let Subject::Item(Item::Message(message)) = &mut entry.subject {
            message.created_at = Timestamp::from_unix_millis(millis).unwrap();
        }
        entry
    }

    #[test]
    fn the_oldest_of_all_that_was_taken_counts_until_it_is_stored() {
        let oldest = Oldest::unknown();
        let now = Timestamp::from_unix_millis(10_000).unwrap();
        assert_eq!(oldest.age(now), None);
        oldest.took(&[accepted_at(8_000), accepted_at(7_000)]);
        oldest.took(&[accepted_at(9_000)]);
        oldest.took(&[]);
        assert_eq!(oldest.age(now), Some(Duration::from_secs(3)));
        oldest.clear();
        assert_eq!(oldest.age(now), Some(Duration::ZERO));
        oldest.took(&[accepted_at(12_000)]);
        assert_eq!(oldest.age(now), Some(Duration::ZERO));
    }
}
