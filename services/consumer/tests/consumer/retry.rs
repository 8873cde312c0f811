//! Dead letters that are tried again: each reason, what goes with a row, and that nothing is stored twice.

use consumer::retry::{self, Retried};
use domain::{MAX_NUMBER, Timestamp};
use events::{Epoch, Identity};
use store::dead_letters::{self, DeadLetter, Reason, Resolution};

use crate::{
    items::{chat, chat_with_messages, message, with_another_event},
    setups::{Counters, open_epoch, poison, refuse_poison, take_poison},
    world::{World, application, in_world},
};

async fn retry(world: &World, id: u64) -> Retried {
    retry::retry(&world.store, &world.sequencer, id).await.unwrap()
}

/// Keeps a letter as another version of the consumer might have, and returns its key.
async fn keep(world: &World, reason: Reason, identity: Identity, payload: Vec<u8>) -> u64 {
    let letter = DeadLetter { reason, detail: "kept".to_owned(), identity, payload, created_at: Timestamp::now() };
    dead_letters::add(&mut world.store.acquire().await.unwrap(), &[letter]).await.unwrap();
    world.tables.number("SELECT MAX(id) FROM dead_letters").await
}

async fn resolution(world: &World, id: u64) -> Option<Resolution> {
    let letter = dead_letters::find(&mut world.store.acquire().await.unwrap(), id).await.unwrap().unwrap();
    letter.resolved.map(|resolved| resolved.resolution)
}

fn refused(retried: Retried) -> (Reason, String) {
    match retried {
        Retried::Refused { reason, detail } => (reason, detail),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_mysql_takes_by_now_is_stored_counted_and_found() {
    in_world(async |world| {
        world.search.ensure_index().await.unwrap();
        refuse_poison(&world).await;
        world.search.ensure_index().await.unwrap();
        let consumer = world.consumer().await;
        let poison = poison(1, 1, 2);
        world.queues.publish(1, &[chat(1, 1), message(1, 1, 1), poison.clone(), message(1, 1, 3)], 10).await;
        world.until_stored(1, 2, 1).await;
        let (reason, detail) = refused(retry(&world, 1).await);
        assert_eq!(reason, Reason::Rejected);
        assert!(detail.contains("1644") && !detail.contains("poison"), "{detail}");
        assert_eq!(resolution(&world, 1).await, None);
        assert_eq!(world.tables.counted().await, (1, 2));

        take_poison(&world).await;
        assert_eq!(retry(&world, 1).await, Retried::Stored { items: 1, new: 1 });
        assert_eq!(resolution(&world, 1).await, Some(Resolution::Stored));
        assert!(matches!(retry(&world, 1).await, Retried::Before(resolved) if resolved.resolution == Resolution::Stored));
        assert_eq!(world.tables.counted().await, (1, 3));
        let (query, application, chat) = (search::Query::parse("poison").unwrap(), poison.application_id(), poison.chat());
        world
            .until("the relay has brought it to the index", async |world| {
                let found = world.search.search(application, chat, &query, search::Cursor::After(0), MAX_NUMBER, 10).await;
                found.is_ok_and(|found| found.iter().map(|hit| hit.number.get()).eq([2]))
            })
            .await;

        // The event comes once more: it is a row, and neither another one nor dead again.
        world.queues.publish(1, &[poison, message(1, 1, 4)], 10).await;
        world.until_stored(1, 4, 1).await;
        assert_eq!(world.tables.counted().await, (1, 4));
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_resolved_is_not_stored_either() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        world.queues.publish(1, &[chat(1, 1)], 1).await;
        world.until_stored(1, 0, 0).await;
        let item = message(1, 1, 1);
        let id = keep(&world, Reason::Rejected, Identity::from(&item), serde_json::to_vec(&item).unwrap()).await;
        world.tables.run("CREATE TRIGGER unresolved BEFORE UPDATE ON dead_letters FOR EACH ROW SIGNAL SQLSTATE '45000'").await;
        let failed = retry::retry(&world.store, &world.sequencer, id).await;
        assert!(matches!(failed, Err(retry::Error::Store(_))), "{failed:?}");
        assert_eq!((world.tables.messages().await, world.tables.counted().await), (0, (1, 0)));
        world.tables.run("DROP TRIGGER unresolved").await;
        assert_eq!(retry(&world, id).await, Retried::Stored { items: 1, new: 1 });
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_stored_once_its_chat_is_there() {
    in_world(async |world| {
        let orphan = message(1, 1, 1);
        let id = keep(&world, Reason::ChatMissing, Identity::from(&orphan), serde_json::to_vec(&orphan).unwrap()).await;
        assert_eq!(refused(retry(&world, id).await).0, Reason::ChatMissing);
        let consumer = world.consumer().await;
        world.queues.publish(1, &[chat(1, 1)], 1).await;
        world.until_stored(1, 0, 1).await;
        assert_eq!(retry(&world, id).await, Retried::Stored { items: 1, new: 1 });
        assert_eq!(world.tables.counted().await, (1, 1));
        assert_eq!(retry(&world, 77).await, Retried::Missing);
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_stored_only_when_its_number_is_free_or_its_own() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        let items = chat_with_messages(1, 1, 2);
        let (rival, other) = (with_another_event(&items[1]), with_another_event(&items[2]));
        world.queues.publish(1, &items, 10).await;
        world.queues.publish(1, &[rival.clone(), other.clone()], 10).await;
        world.until_stored(1, 2, 2).await;
        let (reason, detail) = refused(retry(&world, 1).await);
        assert_eq!(reason, Reason::Conflict);
        assert!(detail.contains(&rival.event_id().to_string()) && detail.contains(&items[1].event_id().to_string()), "{detail}");

        // Free by now.
        world.tables.run("DELETE FROM messages WHERE number = 1").await;
        assert_eq!(retry(&world, 1).await, Retried::Stored { items: 1, new: 1 });
        let events: Vec<Vec<u8>> = world.tables.rows("SELECT event_id FROM messages WHERE number = 1").await;
        assert_eq!(events, [rival.event_id().as_bytes().to_vec()]);
        // Its own by now.
        let own: String = other.event_id().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        world.tables.run(&format!("UPDATE messages SET event_id = UNHEX('{own}') WHERE number = 2")).await;
        assert_eq!(retry(&world, 2).await, Retried::Stored { items: 1, new: 0 });
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_reader_could_not_read_is_read_again() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        world.queues.publish(1, &[chat(1, 1)], 1).await;
        world.until_stored(1, 0, 0).await;
        let sound = message(1, 1, 1);
        let payload = serde_json::to_vec(&sound).unwrap();
        let id = keep(&world, Reason::UndecodableItem, Identity::from(&sound), payload.clone()).await;
        assert_eq!(retry(&world, id).await, Retried::Stored { items: 1, new: 1 });

        let mut broken = serde_json::to_value(message(1, 1, 2)).unwrap();
        broken["body"] = serde_json::json!("");
        let id = keep(&world, Reason::UndecodableItem, Identity::default(), serde_json::to_vec(&broken).unwrap()).await;
        assert_eq!(refused(retry(&world, id).await).0, Reason::UndecodableItem);
        let id = keep(&world, Reason::UndecodablePayload, Identity::default(), vec![0, 255]).await;
        assert_eq!(refused(retry(&world, id).await).0, Reason::UndecodablePayload);
        assert_eq!(resolution(&world, id).await, None);
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_is_split_into_what_is_stored_and_letters_of_their_own() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        let items = chat_with_messages(1, 1, 5);
        world.queues.publish(1, &items[..3], 10).await;
        world.until_stored(1, 2, 0).await;
        // 1 is stored, 2 is another's, 3 and 4 are new, and one cannot be read.
        let rival = with_another_event(&items[2]);
        let parts = [&items[1], &rival, &items[3], &items[4]].map(|item| serde_json::to_string(item).unwrap()).join(",");
        let payload = format!(r#"{{"v":1,"kind":"items","epoch":1,"items":[{parts},{{"type":"message"}}]}}"#).into_bytes();
        let id = keep(&world, Reason::UndecodablePayload, Identity::default(), payload).await;

        // Its numbers were known to nobody: without Redis it cannot be told whose they are.
        let failed = retry::retry(&world.store, &world.sequencer, id).await;
        assert!(matches!(failed, Err(retry::Error::Number(_))), "{failed:?}");
        assert_eq!(resolution(&world, id).await, None);
        open_epoch(&world, 1).await;
        let Retried::Split { stored, letters } = retry(&world, id).await else { panic!("it is split") };
        assert_eq!((stored, letters.len()), (3, 2), "{letters:?}");
        assert!(letters[0].contains(&rival.event_id().to_string()), "{letters:?}");
        assert_eq!(resolution(&world, id).await, Some(Resolution::Split));
        world.until_stored(1, 4, 3).await;
        let reasons: Vec<_> = world.tables.dead().await.into_iter().map(|dead| dead.reason).collect();
        assert_eq!(reasons, ["undecodable_payload", "conflict", "undecodable_item"]);
        assert_eq!(world.tables.counted().await, (1, 4));
        assert!(matches!(retry(&world, id).await, Retried::Before(_)));
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_may_have_been_given_again_is_not_taken_from_its_new_owner() {
    in_world(async |world| {
        let (token, application) = application(&world.store).await;
        let consumer = world.consumer().await;
        let items = chat_with_messages(application, 1, 2);
        world.queues.publish(2, &items, 10).await;
        world.until_stored(1, 2, 0).await;
        // Redis has lost its counters since epoch 1, and 3 was given again in epoch 2; whose event is under way.
        let counters = Counters::seed(&world, open_epoch(&world, 2).await, token, application, 2).await;
        assert_eq!(counters.next().await, 3);

        let (given_again, own) = (message(application, 1, 3), message(application, 1, 6));
        let payload = events::encode_items(Epoch::new(1), &[given_again.clone(), own]).unwrap();
        let id = keep(&world, Reason::UndecodablePayload, Identity::default(), payload).await;
        let Retried::Split { stored, letters } = retry(&world, id).await else { panic!("it is split") };
        assert_eq!((stored, letters.len()), (1, 1), "{letters:?}");
        // Nobody else is given 6, and the new owner of 3 is stored.
        assert_eq!(counters.next().await, 7);
        world.queues.publish(2, &[message(application, 1, 3)], 1).await;
        world.until_stored(1, 4, 2).await;
        assert_eq!(refused(retry(&world, id + 1).await).0, Reason::Conflict);
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_retries_at_once_one_stores() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        world.queues.publish(1, &[chat(1, 1)], 1).await;
        world.until_stored(1, 0, 0).await;
        for number in 1..=5 {
            let item = message(1, 1, number);
            let id = keep(&world, Reason::Rejected, Identity::from(&item), serde_json::to_vec(&item).unwrap()).await;
            let tries: Vec<_> = (0..8)
                .map(|_| {
                    let world = world.clone();
                    tokio::spawn(async move { retry(&world, id).await })
                })
                .collect();
            let mut stored = 0;
            for one in tries {
                match one.await.unwrap() {
                    Retried::Stored { new, .. } => stored += new,
                    Retried::Before(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(stored, 1);
        }
        assert_eq!((world.tables.messages().await, world.tables.counted().await), (5, (1, 5)));
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_let_go_stays_dead_when_it_comes_again_and_is_no_longer_told() {
    in_world(async |world| {
        refuse_poison(&world).await;
        let consumer = world.consumer().await;
        let poison = poison(1, 1, 1);
        world.queues.publish(1, &[chat(1, 1), poison.clone()], 10).await;
        world.until_stored(1, 0, 1).await;
        let metrics = async |world: &World| {
            let _ = world;
            reqwest::get(format!("http://{}/metrics", consumer.address)).await.unwrap().text().await.unwrap()
        };
        let told = async |letters: u64| {
            let line = format!("chat_dead_letters_unresolved{{reason=\"rejected\"}} {letters}\n");
            world.until(&line, async |world| metrics(world).await.contains(&line)).await;
        };
        told(1).await;
        let mut connection = world.store.acquire().await.unwrap();
        dead_letters::resolve(&mut connection, 1, Resolution::Discarded, Timestamp::now()).await.unwrap();
        told(0).await;
        take_poison(&world).await;
        world.queues.publish(1, &[poison, message(1, 1, 2)], 10).await;
        world.until_stored(1, 1, 1).await;
        // An operator may think better of it, as long as the payload is there.
        assert_eq!(retry(&world, 1).await, Retried::Stored { items: 1, new: 1 });
        dead_letters::resolve(&mut connection, 1, Resolution::Discarded, Timestamp::now()).await.unwrap();
        dead_letters::erase_payload(&mut connection, 1).await.unwrap();
        assert_eq!(retry(&world, 1).await, Retried::Erased);
        consumer.stop().await;
    })
    .await;
}
