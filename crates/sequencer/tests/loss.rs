//! Redis loses its data, its scripts or its process: an adopted epoch ends, or goes on where nothing was lost.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::{fs, path::Path, time::Duration};

use devstack::Server;
use events::Epoch;
use sequencer::{Adopted, Adoption, Error, NeedsEpochReason, Record, Sequencer};
use support::{Issue, Private, adopt, chat, next_message, open, seeded_chat, until};

/// Redis is back before the sequencer's connection is: so long it may take.
const RECOVERY: Duration = Duration::from_secs(2);

#[tokio::test]
async fn flushed_the_epoch_is_stale_and_a_new_one_is_needed() {
    let redis = Private::start().await;
    let sequencer = redis.sequencer();
    let old = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &old, 5).await;

    redis.operate::<()>(&["FLUSHALL"]);

    assert_stale(&sequencer, &old, token).await;
    assert_eq!(redis.operate::<u64>(&["DBSIZE"]), 0);
    expect_needs_epoch(&sequencer, None, NeedsEpochReason::RecordMissing).await;
    let new = open(&sequencer, 2).await;
    assert_stale(&sequencer, &old, token).await;
    assert_eq!(sequencer.last_message(&new, token, chat(1)).await.unwrap(), None);
}

#[tokio::test]
async fn with_only_the_scripts_flushed_the_same_epoch_is_adopted_again_and_counts_on() {
    let redis = Private::start().await;
    let sequencer = redis.sequencer();
    let adopted = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &adopted, 5).await;

    redis.operate::<()>(&["SCRIPT", "FLUSH"]);

    assert_stale(&sequencer, &adopted, token).await;
    let again = adopt(&sequencer).await;
    assert_eq!(again.record(), adopted.record());
    assert_eq!(next_message(&sequencer, &again, token).await, 6);
}

#[tokio::test]
async fn restarted_from_its_own_file_the_epoch_is_stale_though_record_and_counters_are_there() {
    let redis = Private::start().await;
    let sequencer = redis.sequencer();
    let old = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &old, 5).await;
    // Without this the last second is not in the file.
    redis.operate::<()>(&["CONFIG", "SET", "appendfsync", "always"]);
    assert_eq!(next_message(&sequencer, &old, token).await, 6);

    redis.kill().await;
    redis.start_again().await;

    assert_eq!(redis.operate::<u64>(&["GET", &format!("chat:{{{token}}}:1:1")]), 6);
    assert_stale_soon(&sequencer, &old, token).await;
    expect_needs_epoch(&sequencer, Some(old.record()), NeedsEpochReason::RedisRestarted).await;
    open(&sequencer, 2).await;
}

#[tokio::test]
async fn restarted_without_its_file_the_epoch_is_stale_and_nothing_is_found() {
    let redis = Private::start().await;
    let sequencer = redis.sequencer();
    let old = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &old, 5).await;

    redis.stack.wipe(Server::Redis).await.unwrap();
    redis.start_again().await;

    assert_stale_soon(&sequencer, &old, token).await;
    expect_needs_epoch(&sequencer, None, NeedsEpochReason::RecordMissing).await;
    open(&sequencer, 2).await;
}

#[tokio::test]
async fn restarted_from_an_old_file_neither_the_old_nor_the_last_epoch_holds() {
    let redis = Private::start().await;
    let sequencer = redis.sequencer();
    let first = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &first, 5).await;
    // A clean stop writes everything to the file.
    redis.stack.stop(Server::Redis).await.unwrap();
    let data = redis.stack.data_dir(Server::Redis);
    let aside = redis.stack.root().join("old-file");
    copy(&data, &aside);
    redis.start_again().await;
    let second = open(&sequencer, 2).await;

    redis.kill().await;
    fs::remove_dir_all(&data).unwrap();
    copy(&aside, &data);
    redis.start_again().await;

    assert_eq!(redis.operate::<String>(&["GET", "chat:record"]), first.record().to_string());
    assert_stale_soon(&sequencer, &first, token).await;
    assert_stale(&sequencer, &second, token).await;
    expect_needs_epoch(&sequencer, Some(first.record()), NeedsEpochReason::RedisRestarted).await;
    open(&sequencer, 3).await;
}

#[tokio::test]
async fn a_record_that_was_opened_for_the_process_before_is_refused_by_the_one_after() {
    let redis = Private::start().await;
    let sequencer = redis.sequencer();
    let Adoption::NeedsEpoch { run_id, .. } = sequencer.adopt().await.unwrap() else { panic!("a fresh server has a record") };

    redis.kill().await;
    redis.start_again().await;

    let late = Record { epoch: Epoch::new(7), run_id };
    assert!(!sequencer.write_record(&late).await.unwrap());
    assert!(!redis.operate::<bool>(&["EXISTS", "chat:record"]));
}

async fn assert_stale(sequencer: &Sequencer, adopted: &Adopted, token: domain::ApplicationToken) {
    let outcome = sequencer.issue_message(adopted, token, chat(1)).await;
    assert!(matches!(outcome, Err(Error::Stale)), "{outcome:?}");
}

/// After a restart the connection has to be made anew; until then Redis is unavailable, and never is a number given.
async fn assert_stale_soon(sequencer: &Sequencer, adopted: &Adopted, token: domain::ApplicationToken) {
    until(RECOVERY, async || match sequencer.issue_message(adopted, token, chat(1)).await {
        Err(Error::Stale) => true,
        Err(Error::Unavailable(_)) => false,
        other => panic!("{other:?}"),
    })
    .await;
}

async fn expect_needs_epoch(sequencer: &Sequencer, expected: Option<&Record>, expected_reason: NeedsEpochReason) {
    match sequencer.adopt().await.unwrap() {
        Adoption::NeedsEpoch { found, reason, .. } => {
            assert_eq!((found.as_ref(), reason), (expected, expected_reason));
        }
        other => panic!("{other:?}"),
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
