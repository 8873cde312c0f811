//! A server that goes away delays things and loses nothing.

use domain::{ApplicationId, ChatNumber, MAX_NUMBER, Timestamp};
use search::Query;
use store::reindexes;

use crate::{
    items::{chat, chat_with_messages, worded},
    setups::{edit, found},
    world::in_world,
};

#[tokio::test(flavor = "multi_thread")]
async fn new_and_edited_messages_are_found_within_two_seconds() {
    in_world(async |world| {
        world.search.ensure_index().await.unwrap();
        let consumer = world.consumer().await;
        world.queues.publish(1, &[chat(1, 1), worded(1, 1, 1, "a needle"), worded(1, 1, 2, "only hay")], 10).await;
        let began = std::time::Instant::now();
        world.until("the new one is found", async |world| found(world, 1, "eedl").await == [1]).await;
        let new_after = began.elapsed();

        edit(&world, 2, "another needle").await;
        let began = std::time::Instant::now();
        world.until("the edited one is found", async |world| found(world, 1, "eedl").await == [1, 2]).await;
        let edited_after = began.elapsed();
        assert!(new_after.as_secs() < 2 && edited_after.as_secs() < 2, "{new_after:?}, {edited_after:?}");
        world.until("the outbox is empty", async |world| world.tables.outbox().await == 0).await;
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_has_made_unreadable_holds_up_nothing_else() {
    in_world(async |world| {
        world.search.ensure_index().await.unwrap();
        let consumer = world.consumer().await;
        world.queues.publish(1, &chat_with_messages(1, 1, 3), 10).await;
        world.until("all is found", async |world| found(world, 1, "message").await == [1, 2, 3]).await;
        world.until("the outbox is empty", async |world| world.tables.outbox().await == 0).await;
        world.tables.run("UPDATE messages SET body = '', version = 2 WHERE number = 2").await;
        // What the driver's types have no value for, and a server takes that is not strict.
        world.tables.run("SET sql_mode = ''; UPDATE messages SET updated_at = '0000-00-00' WHERE number = 1").await;
        // All come before any edit.
        let rows = "('2026-01-01', '[[1,2]]', '2026-01-01'), ('2026-01-01', '[[1,1,1,1]]', '2026-01-01'), \
                    ('2026-01-01', '[[1,1,1,2]]', '2026-01-01')";
        world.tables.run(&format!("INSERT INTO search_outbox (due_at, ranges, created_at) VALUES {rows}")).await;
        edit(&world, 3, "an edited one").await;
        world.until("the edit is found", async |world| found(world, 1, "edited").await == [3]).await;
        world.until("only what cannot be read is left", async |world| world.tables.outbox().await == 3).await;

        world.tables.run("UPDATE messages SET updated_at = created_at WHERE number = 1").await;
        world.tables.run("UPDATE messages SET body = 'a mended one', version = 3 WHERE number = 2").await;
        world.tables.run("UPDATE search_outbox SET due_at = created_at").await;
        world.until("what was mended is found", async |world| found(world, 1, "mended").await == [2]).await;
        world.until("its row is gone", async |world| world.tables.outbox().await == 1).await;
        consumer.stop().await;
    })
    .await;
}

/// What somebody has written by hand speaks of more messages than there will ever be.
#[tokio::test(flavor = "multi_thread")]
async fn an_outbox_row_of_every_number_costs_what_there_is() {
    in_world(async |world| {
        world.search.ensure_index().await.unwrap();
        let consumer = world.consumer().await;
        world.queues.publish(1, &chat_with_messages(1, 1, 3), 10).await;
        world.until("all is found", async |world| found(world, 1, "message").await == [1, 2, 3]).await;
        world.until("the outbox is empty", async |world| world.tables.outbox().await == 0).await;
        world.tables.run("UPDATE messages SET body = 'a changed one', version = 2 WHERE number = 2").await;
        let row = "('2026-01-01', '[[1,1,1,9007199254740991],[1,2,1,9007199254740991]]', '2026-01-01')";
        world.tables.run(&format!("INSERT INTO search_outbox (due_at, ranges, created_at) VALUES {row}")).await;
        edit(&world, 3, "an edited one").await;
        world.until("the edit is found", async |world| found(world, 1, "edited").await == [3]).await;
        world.until("so is what the row speaks of", async |world| found(world, 1, "changed").await == [2]).await;
        world.until("the outbox is empty", async |world| world.tables.outbox().await == 0).await;
        consumer.stop().await;
    })
    .await;
}

/// A second of a large group's reading is too long here, and would be each time.
#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_to_be_read_at_once_is_read_in_parts() {
    in_world(async |world| {
        world.search.ensure_index().await.unwrap();
        let consumer = world.consumer().await;
        world.queues.publish(1, &chat_with_messages(1, 1, 300), 300).await;
        world.until("the last is found", async |world| found(world, 1, "message 300").await == [300]).await;
        world.until("the outbox is empty", async |world| world.tables.outbox().await == 0).await;
        consumer.stop().await;

        world.tables.run("UPDATE messages SET body = 'a changed one', version = 2 WHERE number = 299").await;
        world.tables.run("RENAME TABLE messages TO real_messages").await;
        let slow = "CREATE ALGORITHM = MERGE VIEW messages AS SELECT application_id, chat_number, number, \
                    IF(SLEEP(0.005) = 0, body, body) AS body, event_id, version, created_at, updated_at FROM real_messages";
        world.tables.run(slow).await;
        let row = "('2026-01-01', '[[1,1,1,300]]', '2026-01-01')";
        world.tables.run(&format!("INSERT INTO search_outbox (due_at, ranges, created_at) VALUES {row}")).await;
        let mut config = world.config.clone();
        config.mysql.statement_timeout_ms = 1_000;
        let consumer = world.consumer_with(config).await;
        world.until("the changed one is found", async |world| found(world, 1, "changed").await == [299]).await;
        world.until("the outbox is empty", async |world| world.tables.outbox().await == 0).await;
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_search_is_down_all_is_stored_and_later_all_is_found() {
    in_world(async |world| {
        world.search.ensure_index().await.unwrap();
        let (config, search) = world.cut_search().await;
        let consumer = world.consumer_with(config).await;
        for number in 1..=10 {
            world.queues.publish(1, &chat_with_messages(1, number, 700), 100).await;
        }
        world.until_stored(10, 7_000, 0).await;
        assert!(world.tables.outbox().await > 0);
        assert_eq!(found(&world, 3, "message 77 of").await, [0; 0]);
        search.mend();
        world.until("the outbox is empty", async |world| world.tables.outbox().await == 0).await;
        world.search.refresh().await.unwrap();
        for number in 1..=10 {
            assert_eq!(found(&world, number, "message 77 of").await, [77]);
            assert_eq!(found(&world, number, "message 700").await, [700]);
        }
        consumer.stop().await;
    })
    .await;
}

/// An index that was made anew, empty, would have searches answer that there is nothing but what came since.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_gone_is_not_made_anew_without_what_it_held() {
    in_world(async |world| {
        world.search.ensure_index().await.unwrap();
        let consumer = world.consumer().await;
        world.queues.publish(1, &[chat(1, 1), worded(1, 1, 1, "a message")], 10).await;
        world.until("it is found", async |world| found(world, 1, "message").await == [1]).await;
        let settings = &world.config.elasticsearch;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.delete(format!("{}/{}-v1", settings.url, settings.index)).send().await.unwrap().error_for_status().unwrap();

        world.queues.publish(1, &[worded(1, 1, 2, "another message")], 10).await;
        world.until_stored(1, 2, 0).await;
        // The row comes due ten seconds after it was written, unless somebody has tried.
        let tried =
            "SELECT COUNT(*) FROM search_outbox WHERE ABS(TIMESTAMPDIFF(MICROSECOND, created_at, due_at) - 10000000) > 1000000";
        world.until("it was tried", async |world| world.tables.number(tried).await == 1).await;
        let (query, from) = (Query::parse("message").unwrap(), search::Cursor::After(0));
        let answer = world.search.search(ApplicationId::new(1), ChatNumber::FIRST, &query, from, MAX_NUMBER, 100).await;
        assert!(matches!(answer, Err(search::Error::IndexMissing)), "{answer:?}");
        assert!(world.tables.outbox().await > 0);
        consumer.stop().await;
    })
    .await;
}

/// Nobody searches the version that is being made, and nothing of it shows here until it is told to.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_version_that_is_being_made_does_not_answer_the_one_in_use_is_written() {
    in_world(async |world| {
        world.search.ensure_index().await.unwrap();
        world.search.make_version(2).await.unwrap();
        let settings = &world.config.elasticsearch;
        let (url, client) = (format!("{}/{}-v2/_settings", settings.url, settings.index), reqwest::Client::builder().no_proxy());
        let client = client.build().unwrap();
        let refresh = async |every: &str| {
            let body = format!(r#"{{"index.refresh_interval":"{every}"}}"#);
            let sent = client.put(&url).header("content-type", "application/json").body(body).send().await.unwrap();
            sent.error_for_status().unwrap();
        };
        // Who waits for the next refresh waits in vain.
        refresh("-1").await;
        reindexes::begin(&mut world.store.acquire().await.unwrap(), 2, 1, Timestamp::now()).await.unwrap();
        let mut config = world.config.clone();
        config.elasticsearch.timeout_ms = 400;
        let consumer = world.consumer_with(config).await;
        world.queues.publish(1, &[chat(1, 1), worded(1, 1, 1, "a message")], 10).await;
        world.until("it is found", async |world| found(world, 1, "message").await == [1]).await;
        assert_eq!(world.tables.outbox().await, 1);

        refresh("100ms").await;
        world.until("the outbox is empty", async |world| world.tables.outbox().await == 0).await;
        consumer.stop().await;
        world.search.lead_to(2).await.unwrap();
        assert_eq!(found(&world, 1, "message").await, [1]);
        world.search.remove_version(2).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_may_come_and_go() {
    in_world(async |world| {
        let (config, mysql) = world.cuttable_mysql().await;
        let consumer = world.consumer_with(config).await;
        let ready = format!("http://{}/readyz", consumer.address);
        let status = async || reqwest::get(&ready).await.unwrap().status().as_u16();
        assert_eq!(status().await, 200);
        for number in 1..=6 {
            world.queues.publish(1, &chat_with_messages(1, number, 2_000), 200).await;
            if number % 2 == 0 {
                mysql.mend();
            } else {
                mysql.cut();
            }
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        }
        mysql.cut();
        world.until("it is not ready", async |_| status().await == 503).await;
        mysql.mend();
        world.until_stored(6, 12_000, 0).await;
        world.until("it is ready", async |_| status().await == 200).await;
        assert_eq!(world.tables.counted().await, (6, 12_000));
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_may_come_and_go() {
    in_world(async |world| {
        let (config, broker) = world.cuttable_broker().await;
        let consumer = world.consumer_with(config).await;
        for number in 1..=6 {
            world.queues.publish(1, &chat_with_messages(1, number, 2_000), 50).await;
            broker.cut();
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            broker.mend();
            tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        }
        world.until_stored(6, 12_000, 0).await;
        assert_eq!(world.tables.counted().await, (6, 12_000));
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}
