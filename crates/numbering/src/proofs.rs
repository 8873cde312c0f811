//! Up to when everything that was published is known to be stored: proven by a fence, and remembered, for a proof holds for all
//! chats of its partition and never ages.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use domain::{ApplicationId, ChatNumber, Timestamp};
use events::{Partition, PartitionCount};

use crate::Numbering;

/// The moment of each partition's last answered fence, in milliseconds since 1970; 0 where there was none.
#[derive(Clone)]
pub(crate) struct Proofs(Arc<[AtomicI64]>);

impl Proofs {
    pub(crate) fn new(partitions: PartitionCount) -> Self {
        Self(partitions.all().map(|_| AtomicI64::new(0)).collect())
    }

    /// A moment up to which all of these partitions are stored.
    fn of(&self, partitions: &[Partition]) -> Option<Timestamp> {
        let moments = partitions.iter().filter_map(|partition| self.0.get(usize::from(partition.get())));
        Timestamp::from_unix_millis(moments.map(|moment| moment.load(Ordering::Relaxed)).min()?)
    }

    fn note(&self, partitions: &[Partition], moment: Timestamp) {
        for known in partitions.iter().filter_map(|partition| self.0.get(usize::from(partition.get()))) {
            known.store(moment.to_unix_millis(), Ordering::Relaxed);
        }
    }
}

impl Numbering {
    /// A moment, `wanted` or a later one, up to which all that was published of this chat is stored; `None` when that cannot be
    /// proven until `deadline`. `wanted` must have passed.
    pub async fn stored_up_to(
        &self,
        application: ApplicationId,
        chat: ChatNumber,
        wanted: Timestamp,
        deadline: Instant,
    ) -> Option<Timestamp> {
        self.proven(&[self.partitions.partition_of(application, chat)], wanted, deadline).await
    }

    /// As [`Numbering::stored_up_to`], of all chats.
    pub async fn all_stored_up_to(&self, wanted: Timestamp, deadline: Instant) -> Option<Timestamp> {
        let all: Vec<Partition> = self.partitions.all().collect();
        self.proven(&all, wanted, deadline).await
    }

    async fn proven(&self, partitions: &[Partition], wanted: Timestamp, deadline: Instant) -> Option<Timestamp> {
        let now = Timestamp::now();
        // A moment that is still to come was noted by a clock that was wrong.
        let known = self.proofs.of(partitions).filter(|known| (wanted..=now).contains(known));
        if known.is_some() {
            return known;
        }
        match self.settled_in(partitions.iter().copied(), deadline).await {
            Ok(true) => {
                self.proofs.note(partitions, now);
                Some(now)
            }
            Ok(false) => None,
            Err(error) => {
                tracing::debug!(%error, "what is stored cannot be proven");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_partitions_are_stored_up_to_the_earliest_of_their_moments() {
        let count = PartitionCount::new(3).unwrap();
        let (proofs, all) = (Proofs::new(count), count.all().collect::<Vec<_>>());
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        proofs.note(&all[..2], at(500));
        proofs.note(&all[1..2], at(700));
        assert_eq!(proofs.of(&all[1..2]), Some(at(700)));
        assert_eq!(proofs.of(&all[..2]), Some(at(500)));
        assert_eq!(proofs.of(&all), Some(at(0)));
    }
}
