//! The count job: exact, and one at a time.

use consumer::counts::{self, Counted};

use crate::{
    items::chat_with_messages,
    world::{World, application, in_world},
};

/// The counts that are shown, and the rows that there are.
async fn counts_and_rows(world: &World) -> ((u64, u64), (u64, u64)) {
    let chats = world.tables.number("SELECT CAST(SUM(chats_count) AS UNSIGNED) FROM applications").await;
    let messages = world.tables.number("SELECT CAST(COALESCE(SUM(messages_count), 0) AS UNSIGNED) FROM chats").await;
    ((chats, messages), (world.tables.chats().await, world.tables.messages().await))
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_exact_whatever_is_stored_meanwhile() {
    in_world(async |world| {
        let (_, application) = application(&world.store).await;
        let consumer = world.consumer().await;
        let writing = {
            let world = world.clone();
            tokio::spawn(async move {
                for number in 1..=30 {
                    world.queues.publish(1, &chat_with_messages(application, number, 200), 40).await;
                }
            })
        };
        while !writing.is_finished() {
            let (first, second) = tokio::join!(counts::run(&world.store), counts::run(&world.store));
            assert!(matches!((first, second), (Ok(_), Ok(_))));
        }
        writing.await.unwrap();
        world.until_stored(30, 6_000, 0).await;
        consumer.stop().await;
        assert!(matches!(counts::run(&world.store).await.unwrap(), Counted::Marks(_)));
        assert_eq!(counts_and_rows(&world).await, ((30, 6_000), (30, 6_000)));
        assert_eq!(counts::run(&world.store).await.unwrap(), Counted::Marks(0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_runs_elsewhere_is_left_to_it() {
    in_world(async |world| {
        let running = world.store.with_lock("counts", async { counts::run(&world.store).await.unwrap() });
        assert_eq!(running.await.unwrap(), Some(Counted::Elsewhere));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_runs_by_itself() {
    in_world(async |world| {
        let (_, application) = application(&world.store).await;
        let mut config = world.config.clone();
        config.consumer.count_interval_ms = 200;
        let consumer = world.consumer_with(config).await;
        world.queues.publish(1, &chat_with_messages(application, 1, 10), 40).await;
        world.until("all is counted", async |world| counts_and_rows(world).await == ((1, 10), (1, 10))).await;
        consumer.stop().await;
    })
    .await;
}
