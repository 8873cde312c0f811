//! When a batch is stored: nothing waits for what cannot come, nor is tried for ever in one piece.

use crate::{
    items::{chat, chat_with_messages, worded},
    world::in_world,
};

/// The broker gives no more messages than may be unacknowledged, and a lone create is a message of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_does_not_wait_for_more_messages_than_the_broker_gives() {
    in_world(async |world| {
        let mut config = world.config.clone();
        (config.consumer.message_batch_items, config.consumer.batch_ms) = (100, 60_000);
        config.amqp.prefetch = 8.try_into().unwrap();
        let consumer = world.consumer_with(config).await;
        // Of one partition, and whole batches: what is left over would wait for its time.
        world.queues.publish(1, &chat_with_messages(1, 1, 8 * 40 - 1), 1).await;
        world.until_stored(1, 8 * 40 - 1, 0).await;
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

/// The limit is the server's, which the driver keeps to, or the URL's.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_more_than_mysql_takes_at_once_is_stored_in_parts() {
    in_world(async |world| {
        let mut config = world.config.clone();
        config.mysql.url.push_str("?max_allowed_packet=65536");
        let consumer = world.consumer_with(config).await;
        let body = "🦀".repeat(7_500);
        let messages = (1..=10).map(|number| worded(1, 1, number, &body));
        let items: Vec<_> = std::iter::once(chat(1, 1)).chain(messages).collect();
        world.queues.publish(1, &items, items.len()).await;
        world.until_stored(1, 10, 0).await;
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}
