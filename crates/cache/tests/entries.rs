//! What an entry shows, and to whom, while readers and updaters meet: step by step, over two handles as of two replicas.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use cache::{Error, Settings};
use redislink::Primary;
use support::{Shared, filled, is_bypass, key, leased, settings, until, value};

#[tokio::test]
async fn what_one_fills_the_other_finds_until_an_update_begins() {
    let redis = Shared::new();
    let (one, other) = (redis.cache().await, redis.cache().await);
    filled(&one, &key("a"), "old").await;
    assert_eq!(value(&other, &key("a")).await.as_deref(), Some("old"));
    assert_eq!(value(&other, &key("b")).await, None);

    let block = other.block(vec![key("a")]).await.unwrap();
    for cache in [&one, &other] {
        assert!(is_bypass(&cache.get(&key("a")).await));
    }
    other.unblock(block).await.unwrap();
    filled(&one, &key("a"), "new").await;
    assert_eq!(value(&other, &key("a")).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_reader_who_is_slow_cannot_put_what_it_read_before_an_update() {
    let redis = Shared::new();
    let (reader, updater) = (redis.cache().await, redis.cache().await);
    // The update comes and goes …
    let slow = leased(&reader, &key("a")).await;
    let block = updater.block(vec![key("a")]).await.unwrap();
    updater.unblock(block).await.unwrap();
    reader.fill(slow, b"old").await;
    assert_eq!(value(&updater, &key("a")).await, None);

    // … is still there …
    let slow = leased(&reader, &key("b")).await;
    let block = updater.block(vec![key("b")]).await.unwrap();
    reader.fill(slow, b"old").await;
    assert!(is_bypass(&reader.get(&key("b")).await));
    updater.unblock(block).await.unwrap();

    // … or another has filled the entry meanwhile, or just leased it.
    let slow = leased(&reader, &key("c")).await;
    let block = updater.block(vec![key("c")]).await.unwrap();
    updater.unblock(block).await.unwrap();
    let lease = leased(&updater, &key("c")).await;
    reader.fill(slow, b"old").await;
    assert!(is_bypass(&reader.get(&key("c")).await));
    updater.fill(lease, b"new").await;
    assert_eq!(value(&reader, &key("c")).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn of_two_updates_at_a_time_the_last_one_frees_the_entry() {
    let redis = Shared::new();
    let (one, other) = (redis.cache().await, redis.cache().await);
    filled(&one, &key("a"), "old").await;
    let first = one.block(vec![key("a"), key("b")]).await.unwrap();
    let second = other.block(vec![key("b"), key("c")]).await.unwrap();
    one.unblock(first).await.unwrap();
    assert!(is_bypass(&one.get(&key("b")).await));
    assert!(is_bypass(&one.get(&key("c")).await));
    leased(&one, &key("a")).await;
    other.unblock(second).await.unwrap();
    leased(&one, &key("b")).await;
    leased(&one, &key("c")).await;
}

/// A counter in place of names would let the one take the other's block away.
#[tokio::test]
async fn an_update_whose_block_was_lost_leaves_that_of_another_and_removes_all_else() {
    let redis = Shared::new();
    let (one, other) = (redis.cache().await, redis.cache().await);
    let keys = ["a", "b", "c"];
    let lost = one.block(keys.map(key).to_vec()).await.unwrap();
    // As an eviction or FLUSHALL would.
    for name in redis.keys() {
        redis.operate::<()>(&["DEL", &name]);
    }
    let block = other.block(vec![key("a")]).await.unwrap();
    filled(&other, &key("b"), "old").await;
    let slow = leased(&other, &key("c")).await;

    one.unblock(lost).await.unwrap();
    assert!(is_bypass(&one.get(&key("a")).await));
    other.fill(slow, b"old").await;
    for name in ["b", "c"] {
        assert_eq!(value(&one, &key(name)).await, None, "{name}");
    }
    other.unblock(block).await.unwrap();
    leased(&one, &key("a")).await;
}

#[tokio::test]
async fn the_block_of_an_update_that_died_expires_and_only_its_own() {
    let redis = Shared::new();
    let dies = redis.cache_with(Settings { block_ms: 300, ..settings() }).await;
    let lives = redis.cache().await;
    dies.block(vec![key("a"), key("b")]).await.unwrap();
    let block = lives.block(vec![key("b")]).await.unwrap();
    assert!(is_bypass(&lives.get(&key("a")).await));
    until("the entry can be leased", async || !is_bypass(&lives.get(&key("a")).await)).await;
    assert!(is_bypass(&lives.get(&key("b")).await));
    // The dead one's name is forgotten with the next block, so that it does not keep the entry.
    let next = lives.block(vec![key("b")]).await.unwrap();
    lives.unblock(block).await.unwrap();
    assert!(is_bypass(&lives.get(&key("b")).await));
    lives.unblock(next).await.unwrap();
    leased(&lives, &key("b")).await;
}

#[tokio::test]
async fn an_entry_ends_with_its_time() {
    let redis = Shared::new();
    let cache = redis.cache_with(Settings { ttl_ms: 500, ..settings() }).await;
    cache.fill(leased(&cache, &key("a")).await, b"value").await;
    until("the entry is gone", async || value(&cache, &key("a")).await.is_none()).await;
}

#[tokio::test]
async fn what_is_too_large_is_not_kept_and_a_share_that_is_used_up_is_not_exceeded() {
    let redis = Shared::new();
    let cache = redis.cache_with(Settings { memory_mib: 1, entry_bytes: 100_000, ..settings() }).await;
    cache.fill(leased(&cache, &key("large")).await, &vec![b'x'; 100_001]).await;
    assert_eq!(value(&cache, &key("large")).await, None);

    for number in 0..200 {
        if let cache::Read::Leased(lease) = cache.get(&key(number)).await {
            cache.fill(lease, &vec![b'x'; 10_000]).await;
        }
    }
    let bytes: u64 = redis.keys().iter().map(|name| redis.operate::<Option<u64>>(&["MEMORY", "USAGE", name]).unwrap_or(0)).sum();
    assert!((300_000..1024 * 1024).contains(&bytes), "{bytes}");
    // What is there is still found, and nothing more is leased.
    assert!(value(&cache, &key(0)).await.is_some());
    assert!(is_bypass(&cache.get(&key("more")).await));
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_once() {
    let primary = Primary::at("redis://localhost").unwrap();
    let refused =
        |settings: &Settings| matches!(cache::Cache::connect(primary.clone(), "chat:", settings), Err(Error::InvalidSettings(_)));
    for wrong in [
        Settings { ttl_ms: 0, ..settings() },
        Settings { block_ms: 0, ..settings() },
        Settings { read_timeout_ms: 0, ..settings() },
        Settings { memory_mib: 0, ..settings() },
    ] {
        assert!(refused(&wrong), "{wrong:?}");
    }
    assert!(!refused(&settings()));
}
