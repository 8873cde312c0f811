//! Whose the outbox's rows are while a relay has them in hand, and afterwards.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use crate::{
    items::{chat, worded},
    processes,
    setups::{edit, found},
    world::{World, in_world},
};

/// Rows that somebody has taken: what is written, or given back, is due at once.
const TAKEN: &str = "SELECT COUNT(*) FROM search_outbox WHERE due_at > UTC_TIMESTAMP(3)";

/// In the place of Elasticsearch: it takes connections, and answers nothing.
struct Silent(TcpListener);

impl Silent {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }
}

/// A chat with one message, which is found; no consumer is left.
async fn one_message(world: &World) {
    world.search.ensure_index().await.unwrap();
    let consumer = world.consumer().await;
    world.queues.publish(1, &[chat(1, 1), worded(1, 1, 1, "a message")], 10).await;
    let all_is_done = async |world: &World| world.tables.messages().await == 1 && world.tables.outbox().await == 0;
    world.until("the outbox is empty", all_is_done).await;
    consumer.stop().await;
}

/// As at each deploy: what one has taken, and cannot bring to the index, the next one need not wait for.
#[tokio::test(flavor = "multi_thread")]
async fn who_stops_gives_back_what_it_has_taken_from_the_outbox() {
    in_world(async |world| {
        one_message(&world).await;
        let silent = Silent::new();
        let mut config = world.config.clone();
        (config.elasticsearch.url, config.elasticsearch.timeout_ms) = (silent.url(), 60_000);
        let stuck = world.consumer_with(config).await;
        edit(&world, 1, "an edited one").await;
        world.until("it is taken", async |world| world.tables.number(TAKEN).await == 1).await;
        stuck.stop().await;
        assert_eq!((world.tables.number(TAKEN).await, world.tables.outbox().await), (0, 1));

        let next = world.consumer().await;
        world.until("it is found", async |world| found(world, 1, "edited").await == [1]).await;
        next.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_consumer_had_taken_from_the_outbox_another_takes_soon() {
    in_world(async |world| {
        one_message(&world).await;
        let silent = Silent::new();
        let mut stuck = processes::consumer(&world)
            .env("ELASTICSEARCH_URL", silent.url())
            .env("CHAT__ELASTICSEARCH__TIMEOUT_MS", "60000")
            .spawn()
            .unwrap();
        edit(&world, 1, "an edited one").await;
        world.until("it is taken", async |world| world.tables.number(TAKEN).await == 1).await;
        stuck.kill().await.unwrap();

        let (killed, next) = (Instant::now(), world.consumer().await);
        world.until("it is found", async |world| found(world, 1, "edited").await == [1]).await;
        assert!(killed.elapsed() < Duration::from_secs(20), "{:?}", killed.elapsed());
        next.stop().await;
    })
    .await;
}

/// An index that is slow would be slower if two wrote the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_relay_works_on_stays_its_own_however_long_the_index_takes() {
    in_world(async |world| {
        one_message(&world).await;
        let silent = Silent::new();
        let mut config = world.config.clone();
        (config.elasticsearch.url, config.elasticsearch.timeout_ms) = (silent.url(), 60_000);
        let slow = world.consumer_with(config).await;
        edit(&world, 1, "an edited one").await;
        world.until("it is taken", async |world| world.tables.number(TAKEN).await == 1).await;

        let (taken, idle) = (Instant::now(), world.consumer().await);
        // Longer than a lease lasts that is not renewed.
        while taken.elapsed() < Duration::from_secs(12) {
            assert_eq!(world.tables.number(TAKEN).await, 1, "after {:?}", taken.elapsed());
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        slow.stop().await;
        world.until("it is found", async |world| found(world, 1, "edited").await == [1]).await;
        idle.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_given_back_while_mysql_was_away_is_given_back_when_it_returns() {
    in_world(async |world| {
        one_message(&world).await;
        let silent = Silent::new();
        let (mut config, mysql) = world.cuttable_mysql().await;
        (config.elasticsearch.url, config.elasticsearch.timeout_ms) = (silent.url(), 2_000);
        config.consumer.retry_max_ms = 200;
        let consumer = world.consumer_with(config).await;
        edit(&world, 1, "an edited one").await;
        world.until("it is taken", async |world| world.tables.number(TAKEN).await == 1).await;
        mysql.cut();
        let lease: Vec<String> = world.tables.rows("SELECT CAST(due_at AS CHAR) FROM search_outbox").await;
        // By then the index has not answered in time, and the row was to be given back: nobody can see that from here.
        tokio::time::sleep(Duration::from_secs(3)).await;
        mysql.mend();
        let again =
            format!("SELECT COUNT(*) FROM search_outbox WHERE due_at > CAST('{}' AS DATETIME(3)) + INTERVAL 1 SECOND", lease[0]);
        world.until("it is taken again", async |world| world.tables.number(&again).await == 1).await;
        let in_time = format!("SELECT UTC_TIMESTAMP(3) < CAST('{}' AS DATETIME(3))", lease[0]);
        assert_eq!(world.tables.number(&in_time).await, 1, "only when the lease had ended");
        consumer.stop().await;
    })
    .await;
}
