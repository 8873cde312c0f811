//! Redis fails over to a replica that lags behind, and the old primary goes on answering some services, or all.
//!
//! What Sentinels would order is ordered here, one by one, so that the worst moments last: writes that the replica has not seen,
//! two primaries at a time, connections to the old one that nobody closes. In the end all goes back to the first, by a second
//! failover.

use std::{net::SocketAddr, time::Duration};

use anyhow::ensure;
use devstack::Server;
use tokio::time::{Instant, sleep};

use super::draw::Draw;
use crate::{
    fleet::{Fleet, Mode, Replica},
    redis::{ask, tell},
};

/// Copying everything to a replica takes a moment, and Redis may wait for a second one before that.
const SYNCED_WITHIN: Duration = Duration::from_secs(30);
/// For so long at most the replica hears nothing before it is promoted.
const LONGEST_LAG: Duration = Duration::from_millis(2_000);
const NOBODY: [&str; 3] = ["REPLICAOF", "NO", "ONE"];

pub(super) async fn inject(fleet: &Fleet, draw: Draw) -> anyhow::Result<()> {
    let (primary, standby) = (&fleet.stack().urls().redis, fleet.standby());
    tell(primary, &["CONFIG", "SET", "repl-diskless-sync-delay", "0"]).await?;
    follow(standby.url(), standby.replication.address()).await?;
    standby.replication.set(Mode::HalfOpen);
    sleep(LONGEST_LAG.mul_f64(draw.fraction)).await;
    tell(standby.url(), &NOBODY).await?;
    standby.replication.set(Mode::Open);
    // Either everybody hears of the new primary, or every other one.
    let heard = |index: usize| draw.all || (index + draw.replica).is_multiple_of(2);
    for (_, replica) in fleet.replicas().iter().enumerate().filter(|(index, _)| heard(*index)) {
        // Half the time the old connections stay, as when the one that should close them cannot reach the old primary.
        lead(replica, standby.address(), draw.fraction < 0.5);
    }
    Ok(())
}

pub(super) async fn heal(fleet: &Fleet) -> anyhow::Result<()> {
    let (primary, standby) = (&fleet.stack().urls().redis, fleet.standby());
    standby.replication.set(Mode::Open);
    let role: String = ask(standby.url(), &["INFO", "replication"]).await?;
    if !role.contains("role:master") {
        // It never came to a failover.
        return tell(standby.url(), &NOBODY).await;
    }
    // The old primary learns that it is none any more, and forgets what only it knows.
    fleet.replicas().iter().for_each(|replica| lead(replica, standby.address(), true));
    follow(primary, standby.address()).await?;
    tell(primary, &NOBODY).await?;
    let address = standby.primary();
    fleet.replicas().iter().for_each(|replica| lead(replica, address, true));
    Ok(())
}

fn lead(replica: &Replica, to: SocketAddr, reset: bool) {
    if let Some(link) = replica.links.get(&Server::Redis) {
        link.lead_to(to);
        if reset {
            link.reset();
        }
    }
}

/// Makes one the replica of another, and waits until it has everything.
async fn follow(url: &str, leader: SocketAddr) -> anyhow::Result<()> {
    tell(url, &["REPLICAOF", &leader.ip().to_string(), &leader.port().to_string()]).await?;
    let deadline = Instant::now() + SYNCED_WITHIN;
    loop {
        let replication: String = ask(url, &["INFO", "replication"]).await?;
        if replication.contains("master_link_status:up") {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "a replica of Redis does not catch up");
        sleep(Duration::from_millis(50)).await;
    }
}
