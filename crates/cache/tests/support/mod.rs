//! What the tests share: a cache with keys of its own on the stack's Redis, or on a Redis of its own that may be harmed.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    future::Future,
    time::{Duration, Instant},
};

use cache::{Cache, Key, Lease, Read, Settings};
use deadpool_redis::redis::{Client, Cmd, Connection, FromRedisValue, cmd};
use devstack::{Quiet, Server, Stack, StackOptions};
use redislink::Primary;

/// What must happen, and whose duration is not the matter.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough for a busy machine.
pub(crate) fn settings() -> Settings {
    Settings { enabled: true, ttl_ms: 60_000, block_ms: 60_000, read_timeout_ms: 5_000, memory_mib: 16, entry_bytes: 1_000 }
}

pub(crate) fn key(name: impl std::fmt::Display) -> Key {
    Key::new("tag", name)
}

/// Keys of one test on the Redis that all tests share. They are removed in the end, also after a panic.
pub(crate) struct Shared {
    url: String,
    prefix: String,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let Ok(url) = std::env::var("REDIS_URL") else {
            panic!("REDIS_URL is not set: run the tests with `make test`, which starts the servers and says where they are");
        };
        Self { url, prefix: format!("test-{}:", uuid::Uuid::now_v7()) }
    }

    pub(crate) async fn cache(&self) -> Cache {
        self.cache_with(settings()).await
    }

    pub(crate) async fn cache_with(&self, settings: Settings) -> Cache {
        connected(Cache::connect(Primary::at(&self.url).unwrap(), &self.prefix, &settings).unwrap()).await
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        let pattern = format!("{}*", self.prefix);
        let mut connection = plain(&self.url);
        let mut keys = Vec::new();
        let mut cursor = 0_u64;
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000);
            let (next, found): (u64, Vec<String>) = scan.query(&mut connection).unwrap();
            keys.extend(found);
            cursor = next;
            if cursor == 0 {
                return keys;
            }
        }
    }

    pub(crate) fn operate<T: FromRedisValue>(&self, command: &[&str]) -> T {
        run(&self.url, cmd(command[0]).arg(&command[1..]))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let keys = self.keys();
        if !keys.is_empty() {
            run::<u64>(&self.url, cmd("UNLINK").arg(keys));
        }
    }
}

/// A Redis of the test's own, which it may flush, kill and pause. It ends with the value.
pub(crate) struct Private {
    pub(crate) stack: Stack,
}

impl Private {
    pub(crate) async fn start() -> Self {
        Self { stack: Stack::up(StackOptions::only([Server::Redis]), &Quiet).await.unwrap() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.stack.urls().redis
    }

    /// Has the append-only file hold what was answered. With `everysec` a write waits for a synchronisation under way, and a kill
    /// in between loses it.
    pub(crate) fn append_at_once(&self) {
        self.operate::<()>(&["CONFIG", "SET", "appendfsync", "always"]);
    }

    pub(crate) async fn cache(&self) -> Cache {
        connected(Cache::connect(Primary::at(self.url()).unwrap(), "chat:", &settings()).unwrap()).await
    }

    pub(crate) fn operate<T: FromRedisValue>(&self, command: &[&str]) -> T {
        run(self.url(), cmd(command[0]).arg(&command[1..]))
    }
}

fn plain(url: &str) -> Connection {
    Client::open(url).unwrap().get_connection_with_timeout(Duration::from_secs(5)).unwrap()
}

fn run<T: FromRedisValue>(url: &str, command: &Cmd) -> T {
    command.query(&mut plain(url)).unwrap()
}

/// Waits until updates are possible, so that a read is too.
pub(crate) async fn connected(cache: Cache) -> Cache {
    until("the cache is connected", async || match cache.block(vec![key("connected")]).await {
        Ok(block) => cache.unblock(block).await.is_ok(),
        Err(_) => false,
    })
    .await;
    cache
}

/// Tries until it holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What a reader gets that must find nothing and be the first.
pub(crate) async fn leased(cache: &Cache, key: &Key) -> Lease {
    match cache.get(key).await {
        Read::Leased(lease) => lease,
        other => panic!("{other:?}"),
    }
}

/// The value that is there, if any; leaves nothing behind but a lease.
pub(crate) async fn value(cache: &Cache, key: &Key) -> Option<String> {
    match cache.get(key).await {
        Read::Hit(value) => Some(String::from_utf8(value.as_ref().to_vec()).unwrap()),
        Read::Leased(_) | Read::Bypass => None,
    }
}

pub(crate) async fn filled(cache: &Cache, key: &Key, value: &str) {
    cache.fill(leased(cache, key).await, value.as_bytes()).await;
    assert_eq!(self::value(cache, key).await.as_deref(), Some(value));
}

pub(crate) fn is_bypass(read: &Read) -> bool {
    matches!(read, Read::Bypass)
}
