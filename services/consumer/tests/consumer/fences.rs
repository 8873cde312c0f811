//! A fence is answered when all that came before it is committed, and not earlier.

use crate::{items::chat_with_messages, world::in_world};

#[tokio::test(flavor = "multi_thread")]
async fn what_stood_before_an_answered_fence_is_stored() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        let mut answers = world.queues.answers().await;
        for round in 0..10 {
            let items = chat_with_messages(1, round + 1, 300);
            world.queues.publish(1, &items, 37).await;
            world.queues.fence(1, world.queues.partition_of(&items[0]), &answers, &round.to_string()).await;
            assert_eq!(answers.next().await, round.to_string());
            assert_eq!(world.tables.messages().await, (round + 1) * 300);
        }
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_waits_as_long_as_storing_fails_and_its_epoch_is_stored_before_it_is_answered() {
    in_world(async |world| {
        let (config, mysql) = world.cuttable_mysql().await;
        let consumer = world.consumer_with(config).await;
        let mut answers = world.queues.answers().await;
        let items = chat_with_messages(1, 1, 10);
        let partition = world.queues.partition_of(&items[0]);
        world.queues.publish(1, &items, 100).await;
        world.until_stored(1, 10, 0).await;

        mysql.cut();
        world.queues.publish(1, &chat_with_messages(1, 1, 20)[11..], 100).await;
        world.queues.fence(3, partition, &answers, "waiting").await;
        assert!(answers.is_silent().await);
        mysql.mend();
        assert_eq!(answers.next().await, "waiting");
        assert_eq!(world.tables.messages().await, 20);
        let epochs: Vec<(u16, u64)> = world.tables.rows("SELECT partition_number, epoch FROM partition_epochs").await;
        assert_eq!(epochs, [(partition.get(), 3)]);
        consumer.stop().await;
    })
    .await;
}
