//! Stopping, and a standby that takes over.

use std::time::Duration;

use crate::{items::chat_with_messages, world::in_world};

#[tokio::test(flavor = "multi_thread")]
async fn stopping_amid_load_loses_nothing() {
    in_world(async |world| {
        let publishing = {
            let world = world.clone();
            world.consumer().await.stop().await;
            tokio::spawn(async move {
                for number in 1..=20 {
                    world.queues.publish(1, &chat_with_messages(1, number, 1_000), 50).await;
                }
            })
        };
        let mut slowest = Duration::ZERO;
        while !publishing.is_finished() || world.queues.ready().await > 0 {
            let consumer = world.consumer().await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            slowest = slowest.max(consumer.stop().await);
        }
        publishing.await.unwrap();
        world.until_stored(20, 20_000, 0).await;
        assert_eq!(world.tables.counted().await, (20, 20_000));
        assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_in_order() {
    in_world(async |world| {
        let (mut config, mysql) = world.cuttable_mysql().await;
        config.http.shutdown_ms = 1_000;
        config.amqp.prefetch = 8.try_into().unwrap();
        let active = world.consumer_with(config).await;
        let items = chat_with_messages(1, 1, 500);
        let partition = world.queues.partition_of(&items[0]);
        // It holds the chat, cannot store it, and must give it back before the standby gets anything behind it.
        mysql.cut();
        world.queues.publish(1, &items, 1).await;
        let mut answers = world.queues.answers().await;
        world.queues.fence(1, partition, &answers, "behind all").await;
        world.until("its hands are full", async |world| world.queues.ready().await <= 502 - 8).await;
        let mut config = world.config.clone();
        config.amqp.prefetch = 8.try_into().unwrap();
        let standby = world.consumer_with(config).await;
        let took = active.stop().await;
        assert_eq!(answers.next().await, "behind all");
        assert_eq!((world.tables.chats().await, world.tables.messages().await), (1, 500));
        assert_eq!(world.tables.dead().await, []);
        assert!(took < Duration::from_secs(5), "{took:?}");
        standby.stop().await;
    })
    .await;
}
