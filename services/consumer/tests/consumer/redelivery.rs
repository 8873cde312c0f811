//! What comes twice is stored once; what comes under a number that another has is a conflict.

use events::Item;

use crate::{
    items::{chat, chat_with_messages, message, with_another_event},
    world::in_world,
};

#[tokio::test(flavor = "multi_thread")]
async fn all_that_comes_twice_is_stored_and_counted_once() {
    in_world(async |world| {
        let items: Vec<_> = (1..=20).flat_map(|number| chat_with_messages(1, number, 100)).collect();
        let consumer = world.consumer().await;
        world.queues.publish(1, &items, 100).await;
        world.queues.publish(1, &items, 70).await;
        world.until_stored(20, 2_000, 0).await;
        world.until("all is acknowledged", async |world| world.queues.ready().await == 0).await;
        consumer.stop().await;
        // Once more, to a consumer that remembers nothing, and something new behind it.
        world.queues.publish(1, &items, 256).await;
        let consumer = world.consumer().await;
        world.queues.publish(1, &[message(1, 7, 101)], 1).await;
        world.until_stored(20, 2_001, 0).await;
        consumer.stop().await;
        assert_eq!(world.tables.counted().await, (20, 2_001));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_event_under_a_stored_number_is_kept_aside_and_the_row_untouched() {
    in_world(async |world| {
        let items = chat_with_messages(1, 1, 5);
        let consumer = world.consumer().await;
        world.queues.publish(1, &items, 10).await;
        world.until_stored(1, 5, 0).await;
        let before: Vec<(Vec<u8>, String)> = world.tables.rows("SELECT event_id, body FROM messages ORDER BY number").await;

        let (rival_chat, rival) = (with_another_event(&items[0]), with_another_event(&items[3]));
        world.queues.publish(1, &[message(1, 1, 6), rival.clone(), rival_chat.clone(), message(1, 1, 7)], 10).await;
        world.until_stored(1, 7, 2).await;
        for (dead, rival, stored) in [(0, &rival_chat, &items[0]), (1, &rival, &items[3])] {
            let dead = &world.tables.dead().await[dead];
            assert_eq!(dead.reason, "conflict");
            assert!(dead.detail.contains(&rival.event_id().to_string()), "{}", dead.detail);
            assert!(dead.detail.contains(&stored.event_id().to_string()), "{}", dead.detail);
            assert_eq!(&serde_json::from_slice::<Item>(&dead.payload).unwrap(), rival);
        }
        let after: Vec<(Vec<u8>, String)> =
            world.tables.rows("SELECT event_id, body FROM messages ORDER BY number LIMIT 5").await;
        assert_eq!(before, after);

        // The conflict comes again: still one dead letter.
        world.queues.publish(1, &[rival, message(1, 1, 8)], 10).await;
        world.until_stored(1, 8, 2).await;
        assert_eq!(world.tables.counted().await, (1, 8));
        consumer.stop().await;
    })
    .await;
}

/// As when the connection is lost between commit and acknowledgement.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_nobody_can_read_is_kept_once_however_often_it_comes() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        let partition = world.queues.partition_of(&message(1, 1, 1));
        world.queues.publish(1, &[chat(1, 1)], 1).await;
        for number in 1..=2 {
            world.queues.publish_payload(partition, b"no envelope").await;
            world.queues.publish(1, &[message(1, 1, number)], 1).await;
            world.until_stored(1, number, 1).await;
        }
        consumer.stop().await;
        // To a consumer that remembers nothing, and another payload beside it.
        let consumer = world.consumer().await;
        world.queues.publish_payload(partition, b"no envelope").await;
        world.queues.publish_payload(partition, b"another one").await;
        world.queues.publish(1, &[message(1, 1, 3)], 1).await;
        world.until_stored(1, 3, 2).await;
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_twice_in_one_batch_is_a_redelivery_or_a_conflict() {
    in_world(async |world| {
        let (first, second) = (message(1, 1, 1), message(1, 1, 2));
        let rival = with_another_event(&second);
        let consumer = world.consumer().await;
        world.queues.publish(1, &[chat(1, 1), first.clone(), second, first, rival, message(1, 1, 3)], 10).await;
        world.until_stored(1, 3, 1).await;
        assert_eq!(world.tables.dead().await[0].reason, "conflict");
        assert_eq!(world.tables.counted().await, (1, 3));
        consumer.stop().await;
    })
    .await;
}
