//! Readers and updaters in any order, over two handles, with pauses wherever another may come in between: what a read shows is
//! never older than what was known before it began.
//!
//! The source of each entry is a number that updates only raise. So a history is linearizable just when no read shows less than
//! any update that was answered, or any read that had ended, before it began (and nothing shows a number that is not there yet,
//! which a counter cannot).
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use cache::{Cache, Read};
use support::{Private, Shared, key};
use tokio::{task::JoinSet, time::sleep};

const ENTRIES: usize = 3;
const READERS: usize = 12;
const UPDATERS: usize = 4;
const UPDATES: u64 = 40;
/// So few that also a busy machine comes to them.
const HITS: u64 = 20;

#[derive(Default)]
struct Entry {
    source: AtomicU64,
    /// The highest that an answered update has made, or, where all must agree, that a read has shown.
    known: AtomicU64,
    hits: AtomicU64,
}

struct World {
    caches: [Cache; 2],
    entries: [Entry; ENTRIES],
    /// Whether reads must agree with one another, too. They need not where Redis loses its memory during an update.
    reads_agree: bool,
    over: AtomicBool,
}

impl World {
    async fn read(&self, cache: &Cache, which: usize) {
        let entry = &self.entries[which];
        let known = entry.known.load(SeqCst);
        let shown = match cache.get(&key(which)).await {
            Read::Hit(value) => {
                entry.hits.fetch_add(1, SeqCst);
                std::str::from_utf8(value.as_ref()).unwrap().parse().unwrap()
            }
            Read::Bypass => entry.source.load(SeqCst),
            Read::Leased(lease) => {
                pause().await;
                let read = entry.source.load(SeqCst);
                pause().await;
                cache.fill(lease, read.to_string().as_bytes()).await;
                read
            }
        };
        assert!(shown >= known, "entry {which} shows {shown} after {known} was known");
        if self.reads_agree {
            entry.known.fetch_max(shown, SeqCst);
        }
    }

    async fn update(&self, cache: &Cache, which: usize) {
        let entry = &self.entries[which];
        // A second entry, as a page is beside a message.
        let keys = vec![key(which), key((which + 1) % ENTRIES)];
        let block = cache.block(keys).await.unwrap();
        pause().await;
        let made = entry.source.fetch_add(1, SeqCst) + 1;
        pause().await;
        cache.unblock(block).await.unwrap();
        entry.known.fetch_max(made, SeqCst);
    }
}

async fn pause() {
    match rand(8) {
        0 => sleep(Duration::from_millis(rand(6))).await,
        1..4 => tokio::task::yield_now().await,
        _ => {}
    }
}

fn rand(below: u64) -> u64 {
    uuid::Uuid::new_v4().as_u128() as u64 % below
}

async fn run(world: World) -> World {
    let world = Arc::new(world);
    let mut readers = JoinSet::new();
    for reader in 0..READERS {
        let world = world.clone();
        readers.spawn(async move {
            while !world.over.load(SeqCst) {
                world.read(&world.caches[reader % 2], rand(ENTRIES as u64) as usize).await;
                tokio::task::yield_now().await;
            }
        });
    }
    let mut updaters = JoinSet::new();
    for updater in 0..UPDATERS {
        let world = world.clone();
        updaters.spawn(async move {
            for _ in 0..UPDATES {
                world.update(&world.caches[updater % 2], rand(ENTRIES as u64) as usize).await;
                // Time for hits.
                sleep(Duration::from_millis(rand(60))).await;
            }
        });
    }
    while let Some(ended) = updaters.join_next().await {
        ended.unwrap();
    }
    world.over.store(true, SeqCst);
    while let Some(ended) = readers.join_next().await {
        ended.unwrap();
    }
    Arc::into_inner(world).unwrap()
}

fn world(caches: [Cache; 2], reads_agree: bool) -> World {
    World { caches, entries: Default::default(), reads_agree, over: AtomicBool::new(false) }
}

/// The test must have tested something.
fn assert_worked(world: &World) {
    let hits: u64 = world.entries.iter().map(|entry| entry.hits.load(SeqCst)).sum();
    let updates: u64 = world.entries.iter().map(|entry| entry.source.load(SeqCst)).sum();
    println!("{hits} hits, {updates} updates");
    assert_eq!(updates, UPDATERS as u64 * UPDATES);
    assert!(hits >= HITS, "{hits} hits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_shows_less_than_was_known_when_it_began() {
    let redis = Shared::new();
    let world = run(world([redis.cache().await, redis.cache().await], true)).await;
    assert_worked(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nor_does_it_show_less_than_any_answered_update_while_redis_is_flushed_again_and_again() {
    let redis = Private::start().await;
    let world = world([redis.cache().await, redis.cache().await], false);
    let url = redis.url().to_owned();
    let over = Arc::new(AtomicBool::new(false));
    let flushing = std::thread::spawn({
        let over = over.clone();
        move || {
            let client = deadpool_redis::redis::Client::open(url).unwrap();
            let mut connection = client.get_connection().unwrap();
            let mut flushes = 0;
            while !over.load(SeqCst) {
                deadpool_redis::redis::cmd("FLUSHALL").exec(&mut connection).unwrap();
                flushes += 1;
                std::thread::sleep(Duration::from_millis(rand(15)));
            }
            flushes
        }
    });
    let world = run(world).await;
    over.store(true, SeqCst);
    let flushes: u64 = flushing.join().unwrap();
    println!("{flushes} flushes");
    assert!(flushes > 10, "{flushes}");
    assert_worked(&world);
}
