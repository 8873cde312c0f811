//! Which partitions' messages are delivered to this process, for operators to see. Nothing is decided by it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use events::{Partition, PartitionCount};
use roster::Taken;

/// Notes deliveries. Clones share the notes.
#[derive(Clone)]
pub(crate) struct Taking {
    since: Instant,
    /// Milliseconds after `since`, and 1; 0 where nothing was delivered.
    last: Arc<[AtomicU64]>,
}

impl Taking {
    pub(crate) fn new(partitions: PartitionCount) -> Self {
        Self { since: Instant::now(), last: partitions.all().map(|_| AtomicU64::new(0)).collect() }
    }

    /// A message of the partition was delivered.
    pub(crate) fn note(&self, partition: Partition) {
        self.set(partition, self.now() + 1);
    }

    /// The partition's consumer was lost: the next message may be another process'.
    pub(crate) fn forget(&self, partition: Partition) {
        self.set(partition, 0);
    }

    /// Every partition of which a message was delivered.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        let now = self.now();
        let last = self.last.iter().map(|last| last.load(Ordering::Relaxed)).zip(0..);
        last.filter(|(last, _)| *last > 0)
            .map(|(last, partition)| Taken { partition, ago_ms: now.saturating_sub(last - 1) })
            .collect()
    }

    fn set(&self, partition: Partition, moment: u64) {
        if let Some(last) = self.last.get(usize::from(partition.get())) {
            last.store(moment, Ordering::Relaxed);
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_told_from_its_first_delivery_until_its_consumer_is_lost() {
        let count = PartitionCount::new(3).unwrap();
        let partitions: Vec<Partition> = count.all().collect();
        let taking = Taking::new(count);
        assert!(taking.taken().is_empty());
        taking.note(partitions[2]);
        taking.note(partitions[0]);
        taking.note(partitions[2]);
        let told = |taking: &Taking| taking.taken().iter().map(|taken| taken.partition).collect::<Vec<_>>();
        assert_eq!(told(&taking), [0, 2]);
        assert!(taking.taken().iter().all(|taken| taken.ago_ms < 60_000));
        taking.clone().forget(partitions[2]);
        assert_eq!(told(&taking), [0]);
    }
}
