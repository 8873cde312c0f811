//! The handle, and what readers call. No wait here is longer than a read may wait.

use std::{fmt, sync::Arc, time::Duration};

use deadpool_redis::redis::{RedisError, cmd};
use redislink::Primary;
use tokio::time::timeout;

use crate::{
    Error, Key, Settings,
    budget::Budget,
    identity::{Identity, LINK, Link, Peer},
    metrics::Metrics,
    scripts::Scripts,
    state::{self, Value},
};

/// How long a reader may take to fill what it has leased. A later one is refused, and the next reader leases anew.
const LEASED_FOR: Duration = Duration::from_secs(2);
/// A lease's length.
const LEASE_BYTES: u64 = 17;

/// Entries in Redis. Clones share one connection.
#[derive(Clone)]
pub struct Cache {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) key_prefix: String,
    pub(crate) link: Link,
    pub(crate) scripts: Scripts,
    budget: Budget,
    pub(crate) metrics: Metrics,
}

/// What a read found.
#[derive(Debug)]
pub enum Read {
    /// The value, as new as the source's.
    Hit(Value),
    /// Nothing. The caller is to read the source, after this, and fill the entry.
    Leased(Lease),
    /// Nothing that can be used. The caller is to read the source.
    Bypass,
}

/// The right to fill one entry with what is read from now on, unless an update comes in between.
pub struct Lease {
    peer: Peer,
    name: String,
    lease: Vec<u8>,
}

impl Cache {
    /// Begins to connect, on the current tokio runtime. Redis need not be up. `primary` and `key_prefix` are those of the
    /// system's Redis.
    ///
    /// # Errors
    /// [`Error::InvalidSettings`].
    pub fn connect(primary: Primary, key_prefix: &str, settings: &Settings) -> Result<Self, Error> {
        settings.check()?;
        let inner = Inner {
            key_prefix: key_prefix.to_owned(),
            link: Link::start(primary, Identity, LINK),
            scripts: Scripts::new(),
            budget: Budget::new(settings.memory_bytes(), settings.ttl().max(LEASED_FOR)),
            metrics: Metrics::new(),
            settings: settings.clone(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Looks for an entry, for as long as a read may wait.
    pub async fn get(&self, key: &Key) -> Read {
        let Inner { settings, link, metrics, .. } = &*self.inner;
        let Some(peer) = link.now() else {
            metrics.unavailable.increment(1);
            return Read::Bypass;
        };
        match timeout(settings.read_timeout(), self.look(key, peer)).await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a cached entry could not be read");
                metrics.unavailable.increment(1);
                Read::Bypass
            }
            Err(_) => {
                metrics.unavailable.increment(1);
                Read::Bypass
            }
        }
    }

    /// One command: takes what is there, or leaves a lease. It counts as a write, so a primary that has become a replica refuses
    /// it.
    async fn look(&self, key: &Key, peer: Peer) -> Result<Read, RedisError> {
        let Inner { key_prefix, budget, metrics, .. } = &*self.inner;
        let name = key.within(key_prefix, &peer);
        if !budget.take(LEASE_BYTES) {
            // Not GET, which a replica would answer.
            let found: Option<Vec<u8>> = cmd("GETEX").arg(&name).query_async(&mut peer.connection()).await?;
            return Ok(match found.and_then(Value::of) {
                Some(value) => self.hit(value),
                None => {
                    metrics.full.increment(1);
                    Read::Bypass
                }
            });
        }
        let lease = state::new_lease();
        let mut set = cmd("SET");
        set.arg(&name).arg(&lease).arg("NX").arg("GET").arg("PX").arg(LEASED_FOR.as_millis() as u64);
        let found: Option<Vec<u8>> = set.query_async(&mut peer.connection()).await?;
        let Some(found) = found else {
            metrics.miss.increment(1);
            return Ok(Read::Leased(Lease { peer, name, lease }));
        };
        budget.give_back(LEASE_BYTES);
        Ok(match Value::of(found) {
            Some(value) => self.hit(value),
            None => {
                metrics.busy.increment(1);
                Read::Bypass
            }
        })
    }

    fn hit(&self, value: Value) -> Read {
        self.inner.metrics.hit.increment(1);
        Read::Hit(value)
    }

    /// Puts what was read from the source since the lease was given, if no update has come in between; else does nothing. Nor
    /// does it when the value is too large, the share of memory is used up, or Redis does not answer: the lease then expires.
    pub async fn fill(&self, lease: Lease, value: &[u8]) {
        let Inner { settings, scripts, budget, .. } = &*self.inner;
        let length = value.len() as u64;
        if length > settings.entry_bytes || !budget.take(length) {
            return;
        }
        let Lease { peer, name, lease } = lease;
        let mut fill = scripts.fill.prepare_invoke();
        fill.key(name).arg(lease).arg(Value::stored(value)).arg(settings.ttl_ms);
        let filled = timeout(settings.read_timeout(), fill.invoke_async::<bool>(&mut peer.connection())).await;
        if matches!(filled, Ok(Ok(false))) {
            budget.give_back(length);
        }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease(…)")
    }
}
