//! Entries in Redis that never go stale: a read that begins after an update was answered never finds what was there before it.
//!
//! The truth lies elsewhere, in a *source* that this crate knows nothing of. An entry's key holds one of three things:
//!
//! - a **value**, which readers take;
//! - a **lease**: a reader found nothing, and reads the source in order to fill the entry. [`Cache::fill`] puts the value only
//!   where exactly its own lease still lies. (Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1.)
//! - a **block**: the names of updates that are under way, each with the moment when it expires. Readers go to the source, and
//!   nothing is filled.
//!
//! An update blocks the entries that it will outdate ([`Cache::block`]), changes the source, and lifts its block
//! ([`Cache::unblock`]), and only then may answer. So nobody can take an old value once the source may have a new one, and a
//! reader who is slow cannot put one either: a block in between has removed its lease.
//!
//! What if a part fails:
//! - Redis cannot be reached: reads go to the source, and an update must not be made ([`Error::NotBlocked`]): others may still
//!   reach their entries. If it happens after the change, the update must not be answered as done ([`Error::NotUnblocked`]).
//! - An updater dies, or does not know whether its change was made: its block expires after [`Settings::block_ms`].
//! - Redis loses the block (flushed, evicted, restarted): a reader may fill the entry with what is about to be outdated. Lifting
//!   a block that is not there removes whatever has come in its place, before the update is answered.
//! - Redis restarts from an old file or its replica takes over: keys carry the server process' id, so old entries have other
//!   names.
//!
//! One case remains, and is bounded by the entries' life ([`Settings::ttl_ms`]): two primaries at a time, of which one is updated
//! through and the other still read, or one process that is primary, replica and primary again within that time.
//!
//! The crate must never let a read wait long for Redis, never make one fail, and never fill more than its share of memory.

mod budget;
mod cache;
mod error;
mod identity;
mod key;
mod metrics;
mod scripts;
mod settings;
mod state;
mod update;

pub use cache::{Cache, Lease, Read};
pub use error::{Error, Outage};
pub use key::Key;
pub use settings::Settings;
pub use state::Value;
pub use update::Block;
