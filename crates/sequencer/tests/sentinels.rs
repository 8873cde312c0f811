//! Real Sentinels make another server the primary: the next numbers come from there, in another epoch.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::time::Duration;

use devstack::{Quiet, SentinelOptions, Sentinels, Server};
use sequencer::{Adoption, Error, NeedsEpochReason, Sequencer, Settings};
use support::{Issue, Private, chat, next_message, open, run_id, seeded_chat, until};

const FAILOVER: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_replica_that_sentinels_promoted_needs_an_epoch_and_all_go_there_though_the_old_primary_is_back() {
    let (old, new) = (Private::start().await, Private::start().await);
    support::replicate(&old, &new).await;
    let options = SentinelOptions { replicas: 1, ..SentinelOptions::over(&old.stack) };
    let sentinels = Sentinels::up(&options, &Quiet).await.unwrap();
    let (list, master) = (sentinels.addresses().join(", "), Sentinels::MASTER.to_owned());
    let sequencer = Sequencer::connect(&Settings { sentinels: list, master, ..old.settings.clone() }).unwrap();
    let first = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &first, 5).await;

    // It does not close its connections, and when it goes on it is a primary until the Sentinels say otherwise.
    old.stack.pause(Server::Redis).unwrap();
    let promoted = run_id_once_promoted(&new).await;
    old.stack.resume(Server::Redis).unwrap();

    until(FAILOVER, async || matches!(sequencer.adopt().await, Ok(Adoption::NeedsEpoch { .. }))).await;
    match sequencer.adopt().await.unwrap() {
        Adoption::NeedsEpoch { run_id, found, reason: NeedsEpochReason::RedisRestarted } => {
            assert_eq!((run_id, found.as_ref()), (promoted, Some(first.record())));
        }
        other => panic!("{other:?}"),
    }
    let second = open(&sequencer, 2).await;
    sequencer.seed_application(&second, token, support::application(), 1).await.unwrap();
    sequencer.seed_chat(&second, token, chat(1), 5).await.unwrap();
    assert_eq!(next_message(&sequencer, &second, token).await, 6);
    let outcome = sequencer.issue_message(&first, token, chat(1)).await;
    assert!(matches!(outcome, Err(Error::Stale)), "{outcome:?}");
}

async fn run_id_once_promoted(redis: &Private) -> String {
    let promoted = async || redis.ask::<String>(&["INFO", "replication"]).is_ok_and(|info| info.contains("role:master"));
    until(FAILOVER, promoted).await;
    run_id(&redis.settings)
}
