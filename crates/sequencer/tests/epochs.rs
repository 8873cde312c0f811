//! Records are written and adopted as the protocol says, and an adopted epoch that is over touches nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use deadpool_redis::redis::cmd;
use events::Epoch;
use sequencer::{Adopted, Adoption, Error, NeedsEpochReason, Record, Sequencer};
use support::{Issue, Shared, adopt, application, chat, message, next_message, open, run, run_id, seeded_chat};
use tokio::task::JoinSet;

fn record(epoch: u64, run_id: &str) -> Record {
    Record { epoch: Epoch::new(epoch), run_id: run_id.into() }
}

#[tokio::test]
async fn without_a_record_an_epoch_is_needed_and_once_written_it_is_adopted() {
    let shared = Shared::new();
    let sequencer = shared.sequencer();
    let run_id = run_id(&shared.settings);
    match sequencer.adopt().await.unwrap() {
        Adoption::NeedsEpoch { run_id: seen, found: None, reason: NeedsEpochReason::RecordMissing } => assert_eq!(seen, run_id),
        other => panic!("{other:?}"),
    }
    assert!(sequencer.write_record(&record(3, &run_id)).await.unwrap());
    assert_eq!(adopt(&sequencer).await.record(), &record(3, &run_id));
}

#[tokio::test]
async fn a_record_of_another_process_is_not_adopted_and_may_be_replaced_by_any_epoch() {
    let shared = Shared::new();
    let sequencer = shared.sequencer();
    run::<()>(&shared.settings.url, cmd("SET").arg(shared.record_key()).arg("9/0a1b"));
    match sequencer.adopt().await.unwrap() {
        Adoption::NeedsEpoch { found, reason: NeedsEpochReason::RedisRestarted, .. } => {
            assert_eq!(found, Some(record(9, "0a1b")))
        }
        other => panic!("{other:?}"),
    }
    assert!(sequencer.write_record(&record(2, &run_id(&shared.settings))).await.unwrap());
    assert_eq!(adopt(&sequencer).await.record().epoch, Epoch::new(2));
}

#[tokio::test]
async fn what_is_no_record_counts_as_missing() {
    let shared = Shared::new();
    let sequencer = shared.sequencer();
    run::<()>(&shared.settings.url, cmd("SET").arg(shared.record_key()).arg("rubbish"));
    match sequencer.adopt().await.unwrap() {
        Adoption::NeedsEpoch { found: None, reason: NeedsEpochReason::RecordMissing, .. } => {}
        other => panic!("{other:?}"),
    }
    open(&sequencer, 1).await;
}

#[tokio::test]
async fn a_record_is_refused_for_another_process_and_for_an_epoch_that_is_not_higher() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let run_id = &adopted.record().run_id;

    assert!(!sequencer.write_record(&record(9, "0a1b")).await.unwrap());
    assert!(!sequencer.write_record(&record(1, run_id)).await.unwrap());
    assert!(sequencer.write_record(&record(10, run_id)).await.unwrap());
    // 9 would be above 10 if the numbers were compared as text.
    for lower in [9, 2, 0] {
        assert!(!sequencer.write_record(&record(lower, run_id)).await.unwrap(), "{lower}");
    }
    assert_eq!(adopt(&sequencer).await.record(), &record(10, run_id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_the_highest_epoch_stays() {
    let shared = Shared::new();
    let sequencers = [shared.sequencer(), shared.sequencer()];
    let run_id = run_id(&shared.settings);
    for round in 0..5 {
        let (lowest, highest) = (round * 20 + 1, round * 20 + 20);
        let mut writers = JoinSet::new();
        for epoch in lowest..=highest {
            let (sequencer, record) = (sequencers[epoch as usize % 2].clone(), record(epoch, &run_id));
            writers.spawn(async move { (record.epoch.get(), sequencer.write_record(&record).await.unwrap()) });
        }
        let written = writers.join_all().await;
        assert!(written.contains(&(highest, true)), "{written:?}");
        for sequencer in &sequencers {
            assert_eq!(adopt(sequencer).await.record().epoch.get(), highest);
        }
    }
}

#[tokio::test]
async fn two_writers_of_one_epoch_are_not_both_told_that_they_wrote_it() {
    let shared = Shared::new();
    let (first, second) = (shared.sequencer(), shared.sequencer());
    let run_id = run_id(&shared.settings);
    for epoch in 1..=10 {
        let record = record(epoch, &run_id);
        let (first, second) = tokio::join!(first.write_record(&record), second.write_record(&record));
        assert!(first.unwrap() != second.unwrap(), "{epoch}");
    }
}

#[tokio::test]
async fn after_a_newer_record_everything_is_stale_and_touches_nothing() {
    let shared = Shared::new();
    let (behind, old) = shared.adopted().await;
    let token = seeded_chat(&behind, &old, 5).await;
    let ahead = shared.sequencer();
    let new = open(&ahead, 2).await;

    let before = shared.keys();
    assert_everything_is_stale(&behind, &old, token).await;
    assert_eq!(sorted(shared.keys()), sorted(before));

    // The new epoch begins with every counter missing; the old one's are as they were.
    assert_eq!(ahead.last_chat(&new, token).await.unwrap(), None);
    assert_eq!(ahead.last_message(&new, token, chat(1)).await.unwrap(), None);
    let counter = format!("{}{{{token}}}:1:1", shared.settings.key_prefix);
    assert_eq!(run::<u64>(&shared.settings.url, cmd("GET").arg(counter)), 5);

    let adopted = adopt(&behind).await;
    behind.seed_application(&adopted, token, application(), 1).await.unwrap();
    behind.seed_chat(&adopted, token, chat(1), 5).await.unwrap();
    assert_eq!(next_message(&behind, &adopted, token).await, 6);
}

#[tokio::test]
async fn without_its_record_an_adopted_epoch_is_stale_though_scripts_and_counters_are_there() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = seeded_chat(&sequencer, &adopted, 5).await;
    run::<u64>(&shared.settings.url, cmd("DEL").arg(shared.record_key()));
    assert_everything_is_stale(&sequencer, &adopted, token).await;
}

async fn assert_everything_is_stale(sequencer: &Sequencer, adopted: &Adopted, token: domain::ApplicationToken) {
    fn stale<T: std::fmt::Debug>(outcome: Result<T, Error>) {
        assert!(matches!(outcome, Err(Error::Stale)), "{outcome:?}");
    }
    stale(sequencer.issue_chat(adopted, token).await);
    stale(sequencer.issue_message(adopted, token, chat(1)).await);
    stale(sequencer.seed_application(adopted, support::token(), application(), 0).await);
    stale(sequencer.seed_chat(adopted, token, chat(2), 0).await);
    stale(sequencer.raise_chats(adopted, token, chat(100)).await);
    stale(sequencer.raise_messages(adopted, token, chat(1), message(100)).await);
    stale(sequencer.last_chat(adopted, token).await);
    stale(sequencer.last_message(adopted, token, chat(1)).await);
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort_unstable();
    keys
}
