//! A server that goes away delays things and loses nothing.

use domain::{ApplicationId, ChatNumber, MessageBody, MessageNumber, Timestamp};
use search::Query;
use store::messages;

use crate::{
    items::{chat, chat_with_messages, worded},
    world::{World, in_world},
};

async fn found(world: &World, chat: u64, query: &str) -> Vec<u64> {
    let (application, chat) = (ApplicationId::new(1), ChatNumber::new(chat).unwrap());
    match world.search.search(application, chat, &Query::parse(query).unwrap(), search::Cursor::After(0), 100).await {
        Ok(hits) => hits.into_iter().map(|hit| hit.number.get()).collect(),
        Err(_) => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_and_edited_messages_are_found_within_two_seconds() {
    in_world(async |world| {
        world.search.ensure_index().await.unwrap();
        let consumer = world.consumer().await;
        world.queues.publish(1, &[chat(1, 1), worded(1, 1, 1, "a needle"), worded(1, 1, 2, "only hay")], 10).await;
        let began = std::time::Instant::now();
        world.until("the new one is found", async |world| found(world, 1, "eedl").await == [1]).await;
        let new_after = began.elapsed();

        let mut connection = world.store.acquire().await.unwrap();
        let (application, chat) = (ApplicationId::new(1), ChatNumber::FIRST);
        let body = MessageBody::new("another needle").unwrap();
        messages::edit(&mut connection, application, chat, MessageNumber::new(2).unwrap(), &body, Timestamp::now(), |_| true)
            .await
            .unwrap();
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
async fn while_search_is_down_all_is_stored_and_later_all_is_found() {
    in_world(async |world| {
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
