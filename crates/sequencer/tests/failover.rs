//! The address leads to another server process, while the one before may live on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use sequencer::{Adoption, Error, NeedsEpochReason, Outage};
use support::{Issue, Private, REPLICATION, chat, next_message, open, replicate, run_id, seeded_chat, settings, until};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::AbortOnDropHandle;

const RECOVERY: Duration = Duration::from_secs(2);

#[tokio::test]
async fn after_a_failover_the_shared_connection_follows_though_the_old_primary_still_answers_it() {
    let (old, new) = (Private::start().await, Private::start().await);
    let address = Address::leading_to(&old).await;
    let sequencer = sequencer::Sequencer::connect(&settings(&address.url, "chat:")).unwrap();
    let first = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &first, 5).await;

    address.lead_to(&new);

    // The old primary is asked until someone adopts: only the broker can fence it off.
    assert_eq!(next_message(&sequencer, &first, token).await, 6);
    let second = open(&sequencer, 2).await;
    assert_eq!(second.record().run_id, run_id(&new.settings));
    // The connection was renewed with the adoption: no call on it says stale any more.
    sequencer.seed_application(&second, token, support::application(), 1).await.unwrap();
    sequencer.seed_chat(&second, token, chat(1), 6).await.unwrap();
    assert_eq!(next_message(&sequencer, &second, token).await, 7);
    assert_eq!(old.operate::<u64>(&["GET", &format!("chat:{{{token}}}:1:1")]), 6);
    let outcome = sequencer.issue_message(&first, token, chat(1)).await;
    assert!(matches!(outcome, Err(Error::Stale)), "{outcome:?}");
}

#[tokio::test]
async fn a_primary_that_became_a_replica_ends_the_epoch_and_no_other_is_opened_on_it() {
    let redis = Private::start().await;
    let sequencer = redis.sequencer();
    let adopted = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &adopted, 5).await;

    // Of a primary that is never found: the data stays as it is.
    redis.operate::<()>(&["REPLICAOF", "127.0.0.1", "1"]);

    let outcome = sequencer.issue_message(&adopted, token, chat(1)).await;
    assert!(matches!(outcome, Err(Error::Stale)), "{outcome:?}");
    for outcome in
        [sequencer.adopt().await.map(drop), sequencer.write_record(adopted.record()).await.map(drop), sequencer.check().await]
    {
        assert!(matches!(outcome, Err(Error::Unavailable(Outage::Replica))), "{outcome:?}");
    }

    // A primary again, and the same process, but nobody knows what it took over meanwhile.
    redis.operate::<()>(&["REPLICAOF", "NO", "ONE"]);
    match sequencer.adopt().await.unwrap() {
        Adoption::NeedsEpoch { found, reason: NeedsEpochReason::RedisRestarted, .. } => {
            assert_eq!(found.as_ref(), Some(adopted.record()))
        }
        other => panic!("{other:?}"),
    }
    open(&sequencer, 2).await;
}

/// The run id of the process, the record, the scripts: all is as it was, and the counter has gone back.
#[tokio::test]
async fn a_primary_that_took_over_older_data_from_its_replica_and_came_back_gives_no_number_in_the_old_epoch() {
    let (primary, replica) = (Private::start().await, Private::start().await);
    let sequencer = primary.sequencer();
    let process = process_id(&primary);
    replicate(&primary, &replica).await;
    // The first replica has changed the primary's replication id.
    until(RECOVERY, async || sequencer.check().await.is_ok()).await;
    let adopted = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &adopted, 5).await;
    let counter = format!("chat:{{{token}}}:1:1");
    until(REPLICATION, async || replica.operate::<Option<u64>>(&["GET", &counter]) == Some(5)).await;

    replica.operate::<()>(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(next_message(&sequencer, &adopted, token).await, 6);
    replicate(&replica, &primary).await;
    // The connection, the only one that speaks RESP3, is given up without any call.
    until(RECOVERY, async || !primary.operate::<String>(&["CLIENT", "LIST"]).contains("resp=3")).await;
    primary.operate::<()>(&["REPLICAOF", "NO", "ONE"]);

    assert_eq!(process_id(&primary), process);
    assert_eq!(primary.operate::<String>(&["GET", "chat:record"]), adopted.record().to_string());
    assert_eq!(primary.operate::<u64>(&["GET", &counter]), 5);
    let outcome = sequencer.issue_message(&adopted, token, chat(1)).await;
    assert!(matches!(outcome, Err(Error::Stale | Error::Unavailable(Outage::Replica))), "{outcome:?}");
    assert!(matches!(sequencer.adopt().await.unwrap(), Adoption::NeedsEpoch { .. }));
    assert_eq!(primary.operate::<u64>(&["GET", &counter]), 5);
}

#[tokio::test]
async fn a_promoted_replica_with_the_primarys_data_needs_an_epoch_of_its_own() {
    let (primary, replica) = (Private::start().await, Private::start().await);
    let address = Address::leading_to(&primary).await;
    let sequencer = sequencer::Sequencer::connect(&settings(&address.url, "chat:")).unwrap();
    let adopted = open(&sequencer, 1).await;
    replicate(&primary, &replica).await;
    assert_eq!(replica.operate::<String>(&["GET", "chat:record"]), adopted.record().to_string());

    replica.operate::<()>(&["REPLICAOF", "NO", "ONE"]);
    address.lead_to(&replica);

    match sequencer.adopt().await.unwrap() {
        Adoption::NeedsEpoch { run_id: seen, found, .. } => {
            assert_eq!(seen, run_id(&replica.settings));
            assert_eq!(found.as_ref(), Some(adopted.record()));
        }
        other => panic!("{other:?}"),
    }
}

fn process_id(redis: &Private) -> String {
    let info: String = redis.operate(&["INFO", "server"]);
    info.lines().find(|line| line.starts_with("run_id:")).unwrap().to_owned()
}

/// An address that can be led elsewhere, as a name or a virtual address is in a failover: what is connected stays connected.
struct Address {
    url: String,
    target: Arc<watch::Sender<SocketAddr>>,
    _task: AbortOnDropHandle<()>,
}

impl Address {
    async fn leading_to(redis: &Private) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let target = Arc::new(watch::Sender::new(socket_address(redis)));
        let seen = target.subscribe();
        let task = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let target = *seen.borrow();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(target).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { url, target, _task: AbortOnDropHandle::new(task) }
    }

    fn lead_to(&self, redis: &Private) {
        self.target.send_replace(socket_address(redis));
    }
}

fn socket_address(redis: &Private) -> SocketAddr {
    redis.settings.url.strip_prefix("redis://").unwrap().trim_end_matches('/').parse().unwrap()
}
