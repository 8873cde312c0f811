//! The names of everything in the broker, in one place.

use crate::{Epoch, Partition, PartitionCount};

/// Which exchange and queues the system uses. Two systems with different prefixes share a broker without meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    prefix: String,
    partitions: PartitionCount,
}

impl Topology {
    /// A topology of `partitions` queues whose names all start with `prefix` (usually empty).
    pub fn new(prefix: impl Into<String>, partitions: PartitionCount) -> Self {
        Self { prefix: prefix.into(), partitions }
    }

    /// How many queues there are.
    pub fn partitions(&self) -> PartitionCount {
        self.partitions
    }

    /// The direct exchange that creates and fences are published to.
    pub fn exchange(&self) -> String {
        format!("{}chat.writes", self.prefix)
    }

    /// The quorum queue of a partition.
    pub fn queue(&self, partition: Partition) -> String {
        format!("{}chat.writes.{partition}", self.prefix)
    }

    /// The key under which an epoch's messages reach a partition. It is bound when the epoch opens and unbound when a later one
    /// does: from then on the broker itself returns what a publisher sends in the old epoch.
    pub fn routing_key(&self, epoch: Epoch, partition: Partition) -> String {
        format!("{epoch}.{partition}")
    }

    /// The queue (and direct exchange) of what cannot even be decoded.
    pub fn dead(&self) -> String {
        format!("{}chat.dead", self.prefix)
    }

    /// A queue that holds nothing: its maximum length is the partition count, and since the broker refuses to declare it anew
    /// with another one, services of different counts cannot share a topology. It is made last: where it is, the other queues are
    /// of an age at which they survive a crash of the broker.
    pub fn partition_marker(&self) -> String {
        format!("{}chat.writes.partitions", self.prefix)
    }

    /// A queue that holds nothing and is there only while the partition count is being changed: no service works with the
    /// topology meanwhile. Its maximum length is the count that is left, so that a change that was broken off can be finished.
    pub fn change_note(&self) -> String {
        format!("{}chat.writes.changing", self.prefix)
    }

    /// A queue that belongs to the one connection that may change the partition count, and goes with it.
    pub fn changer(&self) -> String {
        format!("{}chat.writes.changer", self.prefix)
    }
}
