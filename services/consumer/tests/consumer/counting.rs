//! The count job: exact, and one at a time.

use consumer::counts::{self, Counted};
use domain::{ApplicationId, ChatNumber, Timestamp};
use store::{Connection, Error, transaction};

use crate::{
    items::{chat, chat_with_messages},
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

/// Whoever holds the lock may be gone, and MySQL not have noticed.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_ran_elsewhere_is_looked_after_soon() {
    in_world(async |world| {
        let (_, application) = application(&world.store).await;
        let mut config = world.config.clone();
        (config.consumer.count_first_ms, config.consumer.count_interval_ms) = (100, 3_600_000);
        let consumer = world
            .store
            .with_lock("counts", async {
                let consumer = world.consumer_with(config).await;
                world.queues.publish(1, &chat_with_messages(application, 1, 10), 40).await;
                world.until_stored(1, 10, 0).await;
                // The first run, which nobody can see from here.
                tokio::time::sleep(std::time::Duration::from_secs(2)).await;
                assert_eq!(counts_and_rows(&world).await, ((0, 0), (1, 10)));
                consumer
            })
            .await
            .unwrap()
            .expect("nobody else counts");
        world.until("all is counted", async |world| counts_and_rows(world).await == ((1, 10), (1, 10))).await;
        consumer.stop().await;
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

/// Marks a chat of the application, and the application, as a batch does.
async fn mark(connection: &mut Connection, application: u64, added: u64) -> Result<(), Error> {
    let (application, now) = (ApplicationId::new(application), Timestamp::now());
    store::counts::mark_applications(connection, &[(application, added)].into(), now).await?;
    store::counts::mark_chats(connection, &[((application, ChatNumber::FIRST), added)].into(), now).await
}

/// A busy chat's mark is held by one writer or another at any moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_a_writer_holds_just_then_is_not_left_to_the_next_run() {
    in_world(async |world| {
        let (busy, quiet) = (application(&world.store).await.1, application(&world.store).await.1);
        let writer = &mut world.store.acquire().await.unwrap();
        for id in [busy, quiet] {
            let events::Item::Chat(first) = chat(id, 1) else { panic!("a chat") };
            store::chats::insert(writer, &[first]).await.unwrap();
            mark(writer, id, 10).await.unwrap();
        }
        let running = transaction(writer, async |writer: &mut Connection| {
            mark(writer, busy, 5).await?;
            let store = world.store.clone();
            let running = tokio::spawn(async move { counts::run(&store).await });
            // The last mark that it comes to: so it has passed by those that are held.
            let last = format!("SELECT chats_count FROM applications WHERE id = {quiet}");
            world.until("the others are counted", async |world| world.tables.number(&last).await == 10).await;
            Ok::<_, Error>(running)
        });
        assert_eq!(running.await.unwrap().await.unwrap().unwrap(), Counted::Marks(4));
        for id in [busy, quiet] {
            let (chats, messages) = (
                format!("SELECT chats_count FROM applications WHERE id = {id}"),
                format!("SELECT messages_count FROM chats WHERE application_id = {id}"),
            );
            let expected = if id == busy { 15 } else { 10 };
            assert_eq!((world.tables.number(&chats).await, world.tables.number(&messages).await), (expected, expected));
        }
    })
    .await;
}
