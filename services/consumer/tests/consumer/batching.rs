//! When a batch is stored: nothing waits for what cannot come.

use crate::{items::chat_with_messages, world::in_world};

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
