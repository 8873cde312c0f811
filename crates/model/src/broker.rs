//! RabbitMQ: the bindings of the epochs' routing keys, and the partition's queue (`crates/broker`).
//!
//! What is confirmed is on disk and is not lost. A message whose key is unbound is returned to its publisher.

use crate::{
    few::Few,
    names::{Epoch, Event, MAX_EVENTS, Set},
};

/// What stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Item {
    /// Nothing: what the queue holds beyond its end.
    #[default]
    None,
    /// A replica's question whether all before it is committed. A replica has one at a time.
    Fence { epoch: Epoch, replica: u8 },
    /// A create, under the number with which it was acknowledged.
    Create { epoch: Epoch, event: Event },
}

/// Bindings and queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Broker {
    pub(crate) bound: Set,
    pub(crate) queue: Few<Item, MAX_EVENTS>,
}

impl Default for Broker {
    fn default() -> Self {
        Self { bound: Set::default(), queue: Few::new() }
    }
}

impl Broker {
    pub(crate) fn head(&self) -> Option<Item> {
        self.queue.as_slice().first().copied()
    }

    /// The creates that a consumer can gather before it comes to a fence.
    pub(crate) fn leading_creates(&self) -> impl Iterator<Item = (Epoch, Event)> {
        self.queue.as_slice().iter().map_while(|item| match *item {
            Item::Create { epoch, event } => Some((epoch, event)),
            Item::None | Item::Fence { .. } => None,
        })
    }

    pub(crate) fn holds(&self, event: Event) -> bool {
        self.queue.as_slice().iter().any(|item| matches!(item, Item::Create { event: queued, .. } if *queued == event))
    }

    pub(crate) fn holds_fence_of(&self, replica: u8) -> bool {
        self.queue.as_slice().iter().any(|item| matches!(item, Item::Fence { replica: sender, .. } if *sender == replica))
    }
}
