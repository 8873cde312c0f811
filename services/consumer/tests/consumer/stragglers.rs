//! Items of an earlier epoch than their partition's.

use crate::{
    items::{chat, chat_with_messages, message},
    setups::{Counters, open_epoch},
    world::{application, in_world},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_straggler_is_stored_only_if_its_number_was_not_given_again() {
    in_world(async |world| {
        let ((token, application), epoch) = (application(&world.store).await, open_epoch(&world, 2).await);
        let consumer = world.consumer().await;
        let mut answers = world.queues.answers().await;
        let items = chat_with_messages(application, 1, 5);
        let partition = world.queues.partition_of(&items[0]);
        world.queues.publish(1, &items, 10).await;
        world.queues.fence(2, partition, &answers, "epoch 2").await;
        assert_eq!(answers.next().await, "epoch 2");
        let counters = Counters::seed(&world, epoch, token, application, 5).await;
        assert_eq!([counters.next().await, counters.next().await], [6, 7]);

        // 6 was given again in epoch 2, 9 was not; 3 is an old acquaintance.
        let (taken, own) = (message(application, 1, 6), message(application, 1, 9));
        world.queues.publish(1, &[taken.clone(), own.clone(), items[3].clone()], 10).await;
        world.until_stored(1, 6, 1).await;
        let dead = &world.tables.dead().await[0];
        assert_eq!((dead.reason.as_str(), dead.number), ("conflict", Some(6)));
        assert!(dead.detail.contains(&taken.event_id().to_string()));
        // Nobody else is given 9.
        assert_eq!(counters.next().await, 10);

        // All of it again: nothing changes.
        world.queues.publish(1, &[taken, own, items[3].clone()], 10).await;
        world.queues.fence(2, partition, &answers, "again").await;
        assert_eq!(answers.next().await, "again");
        world.until_stored(1, 6, 1).await;
        assert_eq!(world.tables.counted().await, (1, 6));
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_straggling_chat_without_counters_is_stored_and_the_epoch_survives_a_restart() {
    in_world(async |world| {
        let (_, application) = application(&world.store).await;
        open_epoch(&world, 5).await;
        let consumer = world.consumer().await;
        let mut answers = world.queues.answers().await;
        let late = [chat(application, 1), message(application, 1, 1)];
        let partition = world.queues.partition_of(&late[0]);
        world.queues.fence(5, partition, &answers, "epoch 5").await;
        assert_eq!(answers.next().await, "epoch 5");
        consumer.stop().await;

        let epochs: Vec<(u16, u64)> = world.tables.rows("SELECT partition_number, epoch FROM partition_epochs").await;
        assert_eq!(epochs, [(partition.get(), 5)]);
        let consumer = world.consumer().await;
        world.queues.publish(4, &late, 10).await;
        world.until_stored(1, 1, 0).await;
        let metrics = reqwest::get(format!("http://{}/metrics", consumer.address)).await.unwrap().text().await.unwrap();
        let own = metrics.lines().find_map(|line| line.strip_prefix("chat_stragglers_total{outcome=\"own\"} "));
        assert!(own.is_some_and(|own| own != "0"), "{metrics}");
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_straggler_waits_for_redis() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        let mut answers = world.queues.answers().await;
        let item = chat(1, 1);
        let partition = world.queues.partition_of(&item);
        world.queues.fence(2, partition, &answers, "epoch 2").await;
        assert_eq!(answers.next().await, "epoch 2");
        world.queues.publish(1, std::slice::from_ref(&item), 1).await;
        world.queues.fence(2, partition, &answers, "behind it").await;
        // Redis shows no epoch at all, so nothing can be said of the number.
        assert!(answers.is_silent().await);
        assert_eq!(world.tables.chats().await, 0);
        open_epoch(&world, 2).await;
        assert_eq!(answers.next().await, "behind it");
        assert_eq!(world.tables.chats().await, 1);
        consumer.stop().await;
    })
    .await;
}
