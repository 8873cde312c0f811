//! Items that can never be stored: each is put aside alone, and nothing else suffers.

use events::Epoch;
use store::{Store, dead_letters, epochs};

use crate::{
    items::{chat, chat_with_messages, message},
    setups::{poison, refuse_poison},
    world::in_world,
};

const MANY: u64 = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn one_unreadable_item_in_ten_thousand_is_put_aside_alone() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        let items: Vec<_> = chat_with_messages(1, 1, MANY);
        let (head, tail) = items.split_at(6_001);
        world.queues.publish(1, head, 250).await;
        // The next message, with a body that breaks the rules, amid sound neighbours in one payload.
        let mut broken = serde_json::to_value(&tail[0]).unwrap();
        broken["body"] = serde_json::json!("x".repeat(10_001));
        let neighbours = serde_json::to_string(&tail[1..100]).unwrap();
        let payload = format!(r#"{{"v":1,"kind":"items","epoch":1,"items":[{broken},{}}}"#, &neighbours[1..]);
        world.queues.publish_payload(world.queues.partition_of(&tail[0]), payload.as_bytes()).await;
        world.queues.publish(1, &tail[100..], 250).await;

        world.until_stored(1, MANY - 1, 1).await;
        let dead = &world.tables.dead().await[0];
        assert_eq!((dead.reason.as_str(), dead.number), ("undecodable_item", Some(6_001)));
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&dead.payload).unwrap(), broken);
        assert_eq!(world.tables.counted().await, (1, MANY - 1));
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

/// The parser of moments takes years that neither the driver nor a table does.
#[tokio::test(flavor = "multi_thread")]
async fn a_moment_that_cannot_be_stored_is_put_aside_alone() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        let items = chat_with_messages(1, 1, 100);
        let partition = world.queues.partition_of(&items[1]);
        let mut values: Vec<serde_json::Value> = items.iter().map(|item| serde_json::to_value(item).unwrap()).collect();
        for (number, moment) in [(30, "-0001-01-01T00:00:00Z"), (60, "+70000-01-01T00:00:00Z")] {
            values[number]["created_at"] = serde_json::json!(moment);
        }
        let payload = serde_json::json!({ "v": 1, "kind": "items", "epoch": 1, "items": values });
        world.queues.publish_payload(partition, payload.to_string().as_bytes()).await;

        world.until_stored(1, 98, 2).await;
        let dead: Vec<_> = world.tables.dead().await.into_iter().map(|dead| (dead.reason, dead.number)).collect();
        let undecodable = |number| ("undecodable_item".to_owned(), Some(number));
        assert_eq!(dead, [undecodable(30), undecodable(60)]);
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_row_in_ten_thousand_that_mysql_refuses_is_put_aside_alone() {
    in_world(async |world| {
        refuse_poison(&world).await;
        let consumer = world.consumer().await;
        let mut items = chat_with_messages(1, 1, MANY);
        items[7_345] = poison(1, 1, 7_345);
        world.queues.publish(1, &items, 250).await;

        world.until_stored(1, MANY - 1, 1).await;
        let dead = &world.tables.dead().await[0];
        assert_eq!((dead.reason.as_str(), dead.number), ("rejected", Some(7_345)));
        assert!(dead.detail.contains("1644") && !dead.detail.contains("poison"), "{}", dead.detail);
        assert_eq!(serde_json::from_slice::<events::Item>(&dead.payload).unwrap(), items[7_345]);
        assert_eq!(world.tables.counted().await, (1, MANY - 1));
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_of_a_batch_may_be_poison() {
    in_world(async |world| {
        world.tables.run("CREATE TRIGGER poison BEFORE INSERT ON messages FOR EACH ROW SIGNAL SQLSTATE '45000'").await;
        let consumer = world.consumer().await;
        world.queues.publish(1, &chat_with_messages(1, 1, 40), 100).await;
        world.until_stored(1, 0, 40).await;
        let numbers: Vec<_> = world.tables.dead().await.iter().map(|dead| dead.number.unwrap()).collect();
        assert_eq!(numbers, (1..=40).collect::<Vec<u64>>());
        consumer.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_is_no_envelope_is_kept_byte_for_byte() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        let payload: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        let items = chat_with_messages(1, 1, 3);
        let partition = world.queues.partition_of(&items[0]);
        world.queues.publish(1, &items[..2], 10).await;
        world.queues.publish_payload(partition, &payload).await;
        world.queues.publish(1, &items[2..], 10).await;

        world.until_stored(1, 3, 1).await;
        let dead = &world.tables.dead().await[0];
        assert_eq!((dead.reason.as_str(), &dead.payload), ("undecodable_payload", &payload));
        assert_eq!(world.queues.dead_payload().await, payload);
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

/// A server may take less at once than the broker does (`max_allowed_packet`); a letter that it refuses is tried again for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_is_more_than_mysql_takes_at_once_is_kept_byte_for_byte_and_holds_up_nothing() {
    in_world(async |world| {
        let mut config = world.config.clone();
        config.mysql.url.push_str("?max_allowed_packet=65536");
        let store = Store::connect(&config.mysql).unwrap();
        let consumer = world.consumer_with(config).await;
        let payload: Vec<u8> = (0..=250).cycle().take(1_000_000).collect();
        let items = chat_with_messages(1, 1, 3);
        let partition = world.queues.partition_of(&items[0]);
        world.queues.publish(1, &items[..2], 10).await;
        world.queues.publish_payload(partition, &payload).await;
        world.queues.publish(1, &items[2..], 10).await;

        world.until_stored(1, 3, 1).await;
        let letters = dead_letters::list(&mut store.acquire().await.unwrap(), 0, 10).await.unwrap();
        assert_eq!((letters.len(), letters[0].letter.reason.as_str()), (1, "undecodable_payload"));
        // Not shown, for it has a million bytes.
        assert!(letters[0].letter.payload == payload);
        assert!(world.queues.dead_payload().await == payload);
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

/// A partition's epoch never goes down: taken for true, it would make stragglers of all that comes behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_of_an_epoch_that_nobody_can_have_opened_is_put_aside() {
    const EPOCH: u64 = 1_000_000_000_000;
    in_world(async |world| {
        let consumer = world.consumer().await;
        let items = chat_with_messages(1, 1, 3);
        let partition = world.queues.partition_of(&items[0]);
        world.queues.publish(1, &items[..2], 10).await;
        world.queues.publish_payload(partition, &events::encode_fence(Epoch::new(EPOCH)).unwrap()).await;
        world.queues.publish(EPOCH, &items[2..3], 10).await;
        world.queues.publish(1, &items[3..], 10).await;

        world.until_stored(1, 2, 2).await;
        for dead in world.tables.dead().await {
            assert_eq!((dead.reason.as_str(), dead.detail), ("undecodable_payload", format!("epoch {EPOCH} was never opened")));
        }
        assert_eq!(world.tables.number("SELECT MAX(epoch) FROM partition_epochs").await, 1);

        // What MySQL knows of, and what an older MySQL would not, is nobody's invention.
        epochs::raise_to(&mut world.store.acquire().await.unwrap(), Epoch::new(EPOCH), "run").await.unwrap();
        world.queues.publish(EPOCH + 7, &[message(1, 1, 4)], 10).await;
        world.until_stored(1, 3, 2).await;
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_payload_holds_up_nothing_when_the_dead_letter_queue_is_gone() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        let items = chat_with_messages(1, 1, 3);
        let partition = world.queues.partition_of(&items[0]);
        world.queues.publish(1, &items[..1], 10).await;
        world.until_stored(1, 0, 0).await;
        world.queues.delete_dead().await;
        // Twice, so that the second message stands behind what becomes of the first payload.
        for number in 1..=2 {
            world.queues.publish_payload(partition, format!("no envelope {number}").as_bytes()).await;
            world.queues.publish(1, &items[number..=number], 10).await;
            world.until_stored(1, number as u64, number).await;
        }
        // It is stored only after what comes before it has been acknowledged.
        world.queues.publish(1, &items[3..], 10).await;
        world.until_stored(1, 3, 2).await;
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

/// In the middle of a deploy producers may be of a later release than the consumer.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_release_is_understood_and_a_later_version_is_kept() {
    const LATER_RELEASE: &[u8] = include_bytes!("../../../../crates/events/tests/payloads/v1-items-of-a-later-release.json");
    const LATER_VERSION: &[u8] = include_bytes!("../../../../crates/events/tests/payloads/v2-items-of-the-next-version.json");
    in_world(async |world| {
        let consumer = world.consumer().await;
        let partition = world.queues.partition_of(&message(3, 1, 1));
        for payload in [LATER_VERSION, LATER_RELEASE] {
            world.queues.publish_payload(partition, payload).await;
        }
        world.until_stored(2, 1, 1).await;
        let stored: Vec<(u64, u64, String)> = world.tables.rows("SELECT application_id, number, body FROM messages").await;
        assert_eq!(stored, [(3, 9_007_199_254_740_991, "né \"quoted\"\n🎭".to_owned())]);
        let dead = &world.tables.dead().await[0];
        assert_eq!((dead.reason.as_str(), dead.payload.as_slice()), ("undecodable_payload", LATER_VERSION));
        assert_eq!(dead.detail, "envelope version 2 is not known");
        assert_eq!(world.queues.dead_payload().await, LATER_VERSION);
        consumer.stop().await;
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_chat_was_never_stored_is_put_aside() {
    in_world(async |world| {
        let consumer = world.consumer().await;
        let orphan = message(1, 2, 1);
        world.queues.publish(1, &[chat(1, 1), message(1, 1, 1), orphan.clone(), message(1, 1, 2)], 10).await;
        world.until_stored(1, 2, 1).await;
        assert_eq!(world.tables.dead().await[0].reason, "chat_missing");

        // A dead letter stays dead when it comes again, its chat being there or not, and is not kept twice.
        world.queues.publish(1, &[chat(1, 2), orphan, message(1, 2, 2)], 10).await;
        world.until_stored(2, 3, 1).await;
        consumer.stop().await;
    })
    .await;
}
