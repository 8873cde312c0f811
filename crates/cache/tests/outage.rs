//! Redis is away, stands still, comes back as another, or has become a replica: no read waits for it or finds what is old, and no
//! update is made that readers could not see.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::time::{Duration, Instant};

use cache::{Cache, Error, Settings};
use devstack::Server;
use redislink::Primary;
use support::{Private, filled, is_bypass, key, leased, settings, until, value};

/// An update's own deadline, and what the clock of a busy machine may add to it.
const REFUSED_WITHIN: Duration = Duration::from_secs(3);

#[tokio::test]
async fn while_redis_is_away_reads_go_on_and_updates_are_refused_and_afterwards_all_is_well() {
    let redis = Private::start().await;
    redis.append_at_once();
    let cache = redis.cache().await;
    let block = cache.block(vec![key("a")]).await.unwrap();
    filled(&cache, &key("b"), "old").await;

    redis.stack.kill(Server::Redis).await.unwrap();
    until("the loss is noticed", async || is_bypass(&cache.get(&key("b")).await)).await;
    let began = Instant::now();
    for _ in 0..1_000 {
        assert!(is_bypass(&cache.get(&key("b")).await));
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let began = Instant::now();
    assert!(matches!(cache.block(vec![key("b")]).await, Err(Error::NotBlocked(_))));
    assert!(matches!(cache.unblock(block).await, Err(Error::NotUnblocked(_))));
    assert!(began.elapsed() < 2 * REFUSED_WITHIN, "{:?}", began.elapsed());

    // The append-only file brings back all keys, under names that are no longer asked for.
    redis.stack.start(Server::Redis).await.unwrap();
    until("an update is possible", async || cache.block(vec![key("other")]).await.is_ok()).await;
    assert!(redis.operate::<Vec<String>>(&["KEYS", "*"]).iter().any(|name| name.ends_with("{tag}:b")));
    leased(&cache, &key("b")).await;
}

#[tokio::test]
async fn a_redis_that_stands_still_costs_a_read_no_more_than_its_deadline() {
    let redis = Private::start().await;
    let short = Settings { read_timeout_ms: 50, ..settings() };
    let cache = support::connected(Cache::connect(Primary::at(redis.url()).unwrap(), "chat:", &short).unwrap()).await;
    redis.stack.pause(Server::Redis).unwrap();
    let began = Instant::now();
    assert!(is_bypass(&cache.get(&key("a")).await));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(matches!(cache.block(vec![key("a")]).await, Err(Error::NotBlocked(_))));
    redis.stack.resume(Server::Redis).unwrap();
    until("an update is possible", async || cache.block(vec![key("b")]).await.is_ok()).await;
}

#[tokio::test]
async fn restarted_from_an_old_file_it_shows_nothing_old() {
    let redis = Private::start().await;
    redis.append_at_once();
    let cache = redis.cache().await;
    let files = redis.stack.data_dir(Server::Redis).join("appendonlydir");
    filled(&cache, &key("a"), "old").await;
    let old: Vec<_> = std::fs::read_dir(&files).unwrap().map(|entry| entry.unwrap().path()).collect();
    let old: Vec<_> = old.into_iter().map(|path| (std::fs::read(&path).unwrap(), path)).collect();
    let block = cache.block(vec![key("a")]).await.unwrap();
    cache.unblock(block).await.unwrap();
    filled(&cache, &key("a"), "new").await;

    redis.stack.kill(Server::Redis).await.unwrap();
    for (content, path) in old {
        std::fs::write(path, content).unwrap();
    }
    redis.stack.start(Server::Redis).await.unwrap();
    until("an update is possible", async || cache.block(vec![key("other")]).await.is_ok()).await;
    let names: Vec<String> = redis.operate(&["KEYS", "*{tag}:a"]);
    assert_eq!(names.len(), 1);
    assert_eq!(redis.operate::<String>(&["GET", &names[0]]), "Vold");
    assert_eq!(value(&cache, &key("a")).await, None);
}

#[tokio::test]
async fn a_primary_that_became_a_replica_is_asked_for_nothing() {
    let redis = Private::start().await;
    let cache = redis.cache().await;
    filled(&cache, &key("a"), "old").await;
    // Of a primary that is never found: the data stays as it is.
    redis.operate::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    assert!(is_bypass(&cache.get(&key("a")).await));
    assert!(matches!(cache.block(vec![key("a")]).await, Err(Error::NotBlocked(_))));
}

#[tokio::test]
async fn redis_need_not_be_up_at_the_start() {
    let redis = Private::start().await;
    redis.stack.kill(Server::Redis).await.unwrap();
    let cache = Cache::connect(Primary::at(redis.url()).unwrap(), "chat:", &settings()).unwrap();
    assert!(is_bypass(&cache.get(&key("a")).await));
    redis.stack.start(Server::Redis).await.unwrap();
    let cache = support::connected(cache).await;
    leased(&cache, &key("a")).await;
}
