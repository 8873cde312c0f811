//! Requests with an idempotency key: of many that are one, a single one takes numbers, and the others are told which.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use deadpool_redis::redis::cmd;
use domain::{ApplicationToken, ChatNumber, EventId, MessageNumber, Timestamp};
use events::Epoch;
use sequencer::{Adopted, ChatIssue, Digest, Known, MessageIssue, Once, Sequencer};
use support::{Private, Shared, adopt, application, chat, message, next_message, open, run, seeded_chat};
use tokio::task::JoinSet;

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 16])
}

fn once(key: u8, fingerprint: u8) -> Once {
    Once {
        key: digest(key),
        fingerprint: digest(fingerprint),
        event_id: EventId::generate(),
        created_at: Timestamp::now(),
        superseded: None,
    }
}

async fn ask(sequencer: &Sequencer, adopted: &Adopted, token: ApplicationToken, count: u64, once: &Once) -> MessageIssue {
    sequencer.issue_messages_once(adopted, token, chat(1), count, Some(once), None).await.unwrap()
}

fn issued(number: u64) -> MessageIssue {
    MessageIssue::Issued { application_id: application(), number: message(number) }
}

fn pending(number: u64, of: &Once) -> MessageIssue {
    let Once { event_id, created_at, .. } = *of;
    MessageIssue::Known(Known::Pending { application_id: application(), number: message(number), event_id, created_at })
}

fn confirmed(number: u64) -> MessageIssue {
    MessageIssue::Known(Known::Confirmed(message(number)))
}

fn reused() -> MessageIssue {
    MessageIssue::Known(Known::Reused)
}

#[tokio::test]
async fn a_key_takes_a_number_once_and_tells_it_from_then_on() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = seeded_chat(&sequencer, &adopted, 0).await;
    let first = once(1, 1);
    assert_eq!(ask(&sequencer, &adopted, token, 1, &first).await, issued(1));
    assert_eq!(ask(&sequencer, &adopted, token, 1, &once(1, 1)).await, pending(1, &first));
    assert_eq!(ask(&sequencer, &adopted, token, 1, &once(1, 2)).await, reused());
    assert_eq!(ask(&sequencer, &adopted, token, 1, &once(2, 1)).await, issued(2));

    assert!(!sequencer.confirm(&adopted, token, first.key, EventId::generate()).await.unwrap());
    assert_eq!(ask(&sequencer, &adopted, token, 1, &once(1, 1)).await, pending(1, &first));
    for _ in 0..2 {
        assert!(sequencer.confirm(&adopted, token, first.key, first.event_id).await.unwrap());
        assert_eq!(ask(&sequencer, &adopted, token, 1, &once(1, 1)).await, confirmed(1));
        assert_eq!(ask(&sequencer, &adopted, token, 1, &once(1, 2)).await, reused());
    }
    assert!(!sequencer.confirm(&adopted, token, digest(9), first.event_id).await.unwrap());

    // Another application's keys are its own.
    let other = seeded_chat(&sequencer, &adopted, 7).await;
    assert_eq!(ask(&sequencer, &adopted, other, 1, &once(1, 2)).await, issued(8));
    assert_eq!(next_message(&sequencer, &adopted, token).await, 3);
}

#[tokio::test]
async fn chats_likewise() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = seeded_chat(&sequencer, &adopted, 0).await;
    let ask = async |once: Once| sequencer.issue_chat_once(&adopted, token, Some(&once), None).await.unwrap();
    let first = once(1, 1);
    let application_id = application();
    let Once { event_id, created_at, .. } = first;
    assert_eq!(ask(first).await, ChatIssue::Issued { application_id, number: chat(2) });
    let again = Known::Pending { application_id, number: chat(2), event_id, created_at };
    assert_eq!(ask(once(1, 1)).await, ChatIssue::Known(again));
    assert_eq!(ask(once(1, 2)).await, ChatIssue::Known(Known::Reused));
    sequencer.confirm(&adopted, token, digest(1), event_id).await.unwrap();
    assert_eq!(ask(once(1, 1)).await, ChatIssue::Known(Known::Confirmed(chat(2))));
    assert_eq!(ask(once(2, 1)).await, ChatIssue::Issued { application_id, number: chat(3) });
}

#[tokio::test]
async fn what_takes_no_number_leaves_no_record() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = support::token();
    assert_eq!(ask(&sequencer, &adopted, token, 1, &once(1, 1)).await, MessageIssue::ApplicationNotSeeded);
    assert_eq!(sequencer.issue_chat_once(&adopted, token, Some(&once(1, 1)), None).await.unwrap(), ChatIssue::NotSeeded);
    sequencer.seed_application(&adopted, token, application(), 0).await.unwrap();
    assert_eq!(ask(&sequencer, &adopted, token, 1, &once(1, 1)).await, MessageIssue::NoSuchChat);
    assert!(shared.keys().iter().all(|key| !key.contains(":key:")), "{:?}", shared.keys());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_with_one_key_one_takes_the_number() {
    let shared = Shared::new();
    let (first, adopted) = shared.adopted().await;
    let token = seeded_chat(&first, &adopted, 0).await;
    let mut sequencers = vec![(first, adopted)];
    for _ in 0..3 {
        let sequencer = shared.sequencer();
        let adopted = adopt(&sequencer).await;
        sequencers.push((sequencer, adopted));
    }
    let mut asks = JoinSet::new();
    for turn in 0..400_usize {
        let (sequencer, adopted) = sequencers[turn % sequencers.len()].clone();
        let key = (turn / sequencers.len() % 50) as u8;
        asks.spawn(async move {
            let once = once(key, key);
            let (number, event, taken) = match ask(&sequencer, &adopted, token, 3, &once).await {
                MessageIssue::Issued { number, .. } => (number, once.event_id, true),
                MessageIssue::Known(Known::Pending { number, event_id, .. }) => (number, event_id, false),
                other => panic!("{other:?}"),
            };
            (key, number.get(), event, taken)
        });
    }
    let mut told = asks.join_all().await;
    assert_eq!(told.iter().filter(|(.., taken)| *taken).count(), 50);
    told.iter_mut().for_each(|told| told.3 = false);
    told.sort();
    told.dedup();
    // Each key has one number and one event, and the batches of three lie side by side.
    assert_eq!(told.len(), 50);
    let mut numbers: Vec<u64> = told.iter().map(|(_, number, ..)| *number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..50).map(|batch| batch * 3 + 1).collect::<Vec<_>>());
}

#[tokio::test]
async fn another_epoch_settles_what_was_pending_and_trusts_what_was_confirmed() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = seeded_chat(&sequencer, &adopted, 0).await;
    let (sure, unsure) = (once(1, 1), once(2, 2));
    assert_eq!(ask(&sequencer, &adopted, token, 1, &sure).await, issued(1));
    assert_eq!(ask(&sequencer, &adopted, token, 1, &unsure).await, issued(2));
    sequencer.confirm(&adopted, token, sure.key, sure.event_id).await.unwrap();

    let adopted = open(&sequencer, 2).await;
    sequencer.remove_epochs_below(Epoch::new(2)).await.unwrap();
    let unsettled = |number, of: &Once| MessageIssue::Known(Known::Unsettled { number: message(number), event_id: of.event_id });
    // Told before any counter is looked at: none is seeded yet.
    assert_eq!(ask(&sequencer, &adopted, token, 1, &once(1, 1)).await, confirmed(1));
    assert_eq!(ask(&sequencer, &adopted, token, 1, &once(2, 2)).await, unsettled(2, &unsure));
    assert_eq!(ask(&sequencer, &adopted, token, 1, &once(2, 1)).await, reused());
    // Found stored: confirmed from the new epoch.
    let found = once(3, 3);
    sequencer.seed_application(&adopted, token, application(), 1).await.unwrap();
    sequencer.seed_chat(&adopted, token, chat(1), 1).await.unwrap();
    assert_eq!(ask(&sequencer, &adopted, token, 1, &found).await, issued(2));
    let adopted = open(&sequencer, 3).await;
    assert_eq!(ask(&sequencer, &adopted, token, 1, &once(3, 3)).await, unsettled(2, &found));
    assert!(sequencer.confirm(&adopted, token, found.key, found.event_id).await.unwrap());
    assert_eq!(ask(&sequencer, &adopted, token, 1, &once(3, 3)).await, confirmed(2));

    // Not found: of those that know so, one takes a new number, and the others get that.
    sequencer.seed_application(&adopted, token, application(), 1).await.unwrap();
    sequencer.seed_chat(&adopted, token, chat(1), 2).await.unwrap();
    let wrong = Once { superseded: Some(sure.event_id), ..once(2, 2) };
    assert_eq!(ask(&sequencer, &adopted, token, 1, &wrong).await, unsettled(2, &unsure));
    let successor = Once { superseded: Some(unsure.event_id), ..once(2, 2) };
    assert_eq!(ask(&sequencer, &adopted, token, 1, &successor).await, issued(3));
    for superseded in [None, Some(unsure.event_id)] {
        assert_eq!(ask(&sequencer, &adopted, token, 1, &Once { superseded, ..once(2, 2) }).await, pending(3, &successor));
    }
    assert!(!sequencer.confirm(&adopted, token, unsure.key, unsure.event_id).await.unwrap());
}

#[tokio::test]
async fn a_pending_number_keeps_its_place_when_its_counter_alone_is_lost() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = seeded_chat(&sequencer, &adopted, 4).await;
    let (batch, scene) = (once(1, 1), once(2, 2));
    assert_eq!(ask(&sequencer, &adopted, token, 3, &batch).await, issued(5));
    sequencer.issue_chat_once(&adopted, token, Some(&scene), None).await.unwrap();
    let application_key = format!("{}{{{token}}}:1", shared.settings.key_prefix);
    run::<u64>(&shared.settings.url, cmd("DEL").arg(format!("{application_key}:1")).arg(&application_key));

    assert_eq!(ask(&sequencer, &adopted, token, 3, &once(1, 1)).await, MessageIssue::ApplicationNotSeeded);
    sequencer.seed_application(&adopted, token, application(), 1).await.unwrap();
    let not_seeded = MessageIssue::ChatNotSeeded { application_id: application() };
    assert_eq!(ask(&sequencer, &adopted, token, 3, &once(1, 1)).await, not_seeded);
    sequencer.seed_chat(&adopted, token, chat(1), 4).await.unwrap();
    assert_eq!(ask(&sequencer, &adopted, token, 3, &once(1, 1)).await, pending(5, &batch));
    assert_eq!(next_message(&sequencer, &adopted, token).await, 8);
    let again = sequencer.issue_chat_once(&adopted, token, Some(&once(2, 2)), None).await.unwrap();
    assert!(matches!(again, ChatIssue::Known(Known::Pending { number, .. }) if number == chat(2)), "{again:?}");
    assert_eq!(sequencer.last_chat(&adopted, token).await.unwrap(), Some((application(), 2)));
}

#[tokio::test]
async fn a_record_ends_by_itself() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = seeded_chat(&sequencer, &adopted, 0).await;
    let first = once(1, 1);
    ask(&sequencer, &adopted, token, 500, &first).await;
    let record = format!("{}{{{token}}}:key:{}", shared.settings.key_prefix, first.key);
    let redis = |command: &str| run::<u64>(&shared.settings.url, cmd(command).arg(&record));
    assert!((3_590..=3_600).contains(&redis("TTL")), "{}", redis("TTL"));
    // Confirming neither renews nor removes the limit.
    run::<u64>(&shared.settings.url, cmd("EXPIRE").arg(&record).arg(100));
    sequencer.confirm(&adopted, token, first.key, first.event_id).await.unwrap();
    assert!((90..=100).contains(&redis("TTL")), "{}", redis("TTL"));
    // Gone, the key is a new one.
    run::<u64>(&shared.settings.url, cmd("DEL").arg(&record));
    assert_eq!(ask(&sequencer, &adopted, token, 1, &once(1, 2)).await, issued(501));
}

/// What operators must reckon with: all that Redis holds for a record, its name and its place among keys that expire included.
#[tokio::test]
async fn a_record_takes_less_than_four_hundred_bytes() {
    const COUNT: u16 = 5_000;
    let private = Private::start().await;
    let sequencer = private.sequencer();
    let adopted = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &adopted, 1_000_000_000).await;
    let used_memory = || {
        let info: String = private.operate(&["INFO", "memory"]);
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
        used.trim().parse::<u64>().unwrap()
    };
    let before = used_memory();
    for turn in 0..COUNT {
        let mut bytes = [7; 16];
        bytes[..2].copy_from_slice(&turn.to_be_bytes());
        let once = Once { key: Digest::from_bytes(bytes), ..once(0, 1) };
        ask(&sequencer, &adopted, token, 500, &once).await;
    }
    let each = (used_memory() - before) / u64::from(COUNT);
    println!("a record takes {each} bytes");
    assert!((150..400).contains(&each), "{each}");
}

#[tokio::test]
async fn the_largest_numbers_stay_exact_in_records() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = support::token();
    sequencer.seed_application(&adopted, token, application(), domain::MAX_NUMBER - 1).await.unwrap();
    sequencer.seed_chat(&adopted, token, chat(1), domain::MAX_NUMBER - 3).await.unwrap();
    let (first, scene) = (once(1, 1), once(2, 2));
    let number = domain::MAX_NUMBER - 2;
    assert_eq!(ask(&sequencer, &adopted, token, 3, &first).await, issued(number));
    assert_eq!(ask(&sequencer, &adopted, token, 3, &once(1, 1)).await, pending(number, &first));
    sequencer.confirm(&adopted, token, first.key, first.event_id).await.unwrap();
    assert_eq!(ask(&sequencer, &adopted, token, 3, &once(1, 1)).await, confirmed(number));
    assert_eq!(
        sequencer.last_message(&adopted, token, chat(1)).await.unwrap(),
        Some(MessageNumber::new(number + 2).unwrap().get())
    );
    sequencer.issue_chat_once(&adopted, token, Some(&scene), None).await.unwrap();
    let again = sequencer.issue_chat_once(&adopted, token, Some(&once(2, 2)), None).await.unwrap();
    let largest = ChatNumber::new(domain::MAX_NUMBER).unwrap();
    assert!(matches!(again, ChatIssue::Known(Known::Pending { number, .. }) if number == largest), "{again:?}");
}
