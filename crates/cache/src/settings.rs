//! What the operator sets of the cache. Where Redis is, and what keys begin with, is told beside it: the cache has no Redis of
//! its own.

use std::time::Duration;

use serde::Deserialize;

use crate::Error;

/// The section `[cache]` of a service's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether there is a cache at all. The same for all replicas: one without it updates what others have cached.
    pub enabled: bool,
    /// How long an entry lives, in milliseconds.
    pub ttl_ms: u64,
    /// How long an update keeps readers off when it does not say that it is over, in milliseconds. Longer than an update may
    /// take.
    pub block_ms: u64,
    /// How long a read waits for Redis before it goes to the source, in milliseconds.
    pub read_timeout_ms: u64,
    /// Redis' memory that the entries of one replica may take, in MiB.
    pub memory_mib: u64,
    /// The largest value that is kept, in bytes.
    pub entry_bytes: u64,
}

impl Settings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// [`Error::InvalidSettings`] says what is wrong.
    pub fn check(&self) -> Result<(), Error> {
        if [self.ttl_ms, self.block_ms, self.read_timeout_ms, self.memory_mib].contains(&0) {
            return Err(Error::InvalidSettings("the cache's times and its memory must be at least 1"));
        }
        Ok(())
    }

    pub(crate) fn ttl(&self) -> Duration {
        Duration::from_millis(self.ttl_ms)
    }

    pub(crate) fn read_timeout(&self) -> Duration {
        Duration::from_millis(self.read_timeout_ms)
    }

    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_mib.saturating_mul(1024 * 1024)
    }
}
