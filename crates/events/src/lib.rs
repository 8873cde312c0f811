//! The queue contract: what a message in RabbitMQ says, where it goes, and what the queues are called.
//!
//! Producers and consumers of different versions meet only here. The crate does no input or output; it must never depend on a
//! broker's client, so that a payload can be read by anyone who finds it.

mod decode;
mod encode;
mod epoch;
mod item;
mod partition;
mod topology;

pub use decode::{BadItem, Decoded, Identity, Undecodable, decode};
pub use encode::{encode_fence, encode_items};
pub use epoch::Epoch;
pub use item::{ChatCreated, Item, MessageCreated};
pub use partition::{Partition, PartitionCount};
pub use topology::Topology;

/// The envelope's version. Fields may be added within a version; a reader ignores those it does not know.
pub const ENVELOPE_VERSION: u16 = 1;
