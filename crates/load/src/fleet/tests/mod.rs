//! The fleet on the real servers: one of it for all that is looked at, for it takes its time to start.

mod hanging;

use std::time::Instant;

use nix::{sys::signal::kill, unistd::Pid};
use tokio::time::sleep;

use super::*;
use crate::connection::Connection;

const SOON: Duration = Duration::from_secs(60);

/// Waits until a replica answers that it lives, or does not answer any more.
async fn lives(address: SocketAddr, wanted: bool) {
    let deadline = Instant::now() + SOON;
    loop {
        let answer = Connection::to(address).within(Duration::from_millis(500)).get("/healthz").await;
        if answer.is_ok_and(|(status, _)| status == 200) == wanted {
            return;
        }
        assert!(Instant::now() < deadline, "{address} should live: {wanted}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn is_there(id: u32) -> bool {
    kill(Pid::from_raw(id as i32), None).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleets_replicas_take_little_while_a_server_hangs_can_be_ended_each_alone_and_do_not_outlive_it() {
    let place = std::env::temp_dir().join(format!("chat-fleet-{}", std::process::id()));
    let plan = Plan { place: place.clone(), disks: false, cluster: false, cuts: false, sentinels: false, fake_clock: None };
    let mut fleet = Fleet::start(plan, &Binaries::build().await.unwrap(), &devstack::Lines).await.unwrap();
    let ingest = fleet.addresses(Service::Ingest);
    assert_eq!((ingest.len(), fleet.addresses(Service::Consumer).len(), fleet.addresses(Service::Api).len()), (2, 2, 1));

    hanging::takes_no_more_than_documented(&mut fleet).await;

    fleet.replica(Service::Ingest, 0).unwrap().kill().await.unwrap();
    lives(ingest[0], false).await;
    lives(ingest[1], true).await;
    fleet.check().unwrap();
    fleet.replica(Service::Ingest, 0).unwrap().start().unwrap();
    lives(ingest[0], true).await;

    fleet.replica(Service::Ingest, 1).unwrap().pause().unwrap();
    lives(ingest[1], false).await;
    fleet.replica(Service::Ingest, 1).unwrap().resume().unwrap();
    lives(ingest[1], true).await;

    let consumer = fleet.replica(Service::Consumer, 1).unwrap();
    consumer.stop().await.unwrap();
    consumer.start().unwrap();
    consumer.wait_ready().await.unwrap();

    assert!(fleet.peaks().iter().all(|(_, mib)| *mib > 5), "{:?}", fleet.peaks());
    let ids: Vec<u32> = fleet.replicas().iter().filter_map(Replica::process_id).collect();
    assert_eq!(ids.len(), 5);
    assert!(fleet.tails().contains("accepting creates"), "{}", fleet.tails());

    // One that ends by itself is found out.
    kill(Pid::from_raw(ids[0] as i32), nix::sys::signal::SIGKILL).unwrap();
    let deadline = Instant::now() + SOON;
    let end = loop {
        match fleet.check() {
            Err(end) => break end.to_string(),
            Ok(()) => assert!(Instant::now() < deadline, "nobody notices"),
        }
        sleep(Duration::from_millis(20)).await;
    };
    assert!(end.contains("consumer-0 ended by itself"), "{end}");

    drop(fleet);
    let deadline = Instant::now() + SOON;
    while ids.iter().any(|id| is_there(*id)) {
        assert!(Instant::now() < deadline, "a replica outlives the fleet");
        sleep(Duration::from_millis(20)).await;
    }
    std::fs::remove_dir_all(&place).unwrap();
}
