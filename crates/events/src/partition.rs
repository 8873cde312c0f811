//! Which queue a chat's events go to.

use std::{fmt, num::NonZeroU16};

use domain::{ApplicationId, ChatNumber};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// One of the queues, from 0. A chat's creation and all its messages share one, so they are stored in the order of acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Partition(u16);

impl Partition {
    /// The partition's index.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many queues there are. Fixed while anything waits in them: another count would send a chat's next message past its earlier
/// ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartitionCount(NonZeroU16);

impl PartitionCount {
    /// `None` for 0.
    pub fn new(count: u16) -> Option<Self> {
        NonZeroU16::new(count).map(Self)
    }

    /// The count.
    pub fn get(self) -> u16 {
        self.0.get()
    }

    /// The chat's partition: XXH3-64 over the application's id and the chat's number, eight little-endian bytes each, modulo
    /// the count. Changing this is changing the topology.
    pub fn partition_of(self, application: ApplicationId, chat: ChatNumber) -> Partition {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&application.get().to_le_bytes());
        key[8..].copy_from_slice(&chat.get().to_le_bytes());
        let remainder = xxh3_64(&key) % u64::from(self.get());
        // A remainder of a 16-bit count fits 16 bits.
        Partition(remainder as u16)
    }

    /// Every partition, in order.
    pub fn all(self) -> impl Iterator<Item = Partition> {
        (0..self.get()).map(Partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_keeps_its_partition_for_ever() {
        let count = PartitionCount::new(8).unwrap();
        let partitions: Vec<u16> =
            (1..=12).map(|chat| count.partition_of(ApplicationId::new(7), ChatNumber::new(chat).unwrap()).get()).collect();
        // Written down once: a change here would misplace the chats of every running installation.
        assert_eq!(partitions, [6, 7, 3, 0, 3, 3, 1, 0, 3, 5, 7, 7]);
    }

    #[test]
    fn chats_spread_evenly() {
        let count = PartitionCount::new(4).unwrap();
        let mut chats = [0_u32; 4];
        for application in 1..=100 {
            for chat in 1..=100 {
                let chat = ChatNumber::new(chat).unwrap();
                chats[usize::from(count.partition_of(ApplicationId::new(application), chat).get())] += 1;
            }
        }
        assert!(chats.iter().all(|chats| (2_300..2_700).contains(chats)), "{chats:?}");
    }
}
