//! Three Sentinels move Redis' primary to a replica that lags behind: because the primary is gone, or because they alone do not reach
//! it, and it goes on answering whoever is connected.
//!
//! Nothing is ordered here but what breaks. The Sentinels do the rest, the healing too: what was the primary comes back as a replica.

use std::time::Duration;

use anyhow::ensure;
use devstack::{Server, Stack};
use tokio::time::{Instant, sleep};

use super::draw::Draw;
use crate::{
    fleet::{Fleet, Roles, admit, hide_from_sentinels, leads, leave_replica_behind, roles, sentence},
    redis::{ask, tell},
};

/// What happens to the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// It is killed, or stopped in mid-air.
    Failover,
    /// It seems down to the Sentinels alone. Some clients lose their connections and ask the Sentinels, others stay where they are.
    Split,
}

impl Act {
    pub(crate) const ALL: [Self; 2] = [Self::Failover, Self::Split];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Split => "split",
        }
    }
}

/// For so long at most the replica hears nothing before the primary is lost.
const LONGEST_LAG: Duration = Duration::from_millis(2_000);
/// A second until it counts as down, and twice the Sentinels' patience with a failover if the last one is not long ago.
const PROMOTED_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(super) async fn inject(act: Act, fleet: &Fleet, draw: Draw) -> anyhow::Result<()> {
    let Roles { primary, replica } = roles(fleet.redis()).await?;
    leave_replica_behind(primary).await?;
    sleep(LONGEST_LAG.mul_f64(draw.fraction)).await;
    match act {
        Act::Failover if draw.all => primary.kill(Server::Redis).await.map_err(sentence)?,
        Act::Failover => primary.pause(Server::Redis).map_err(sentence)?,
        Act::Split => hide_from_sentinels(primary).await?,
    }
    let deadline = Instant::now() + PROMOTED_WITHIN;
    while !leads(replica).await? {
        ensure!(Instant::now() < deadline, "the Sentinels promote nobody");
        sleep(LOOK_EVERY).await;
    }
    // Half the time all stay with the old primary, until one of them hears from RabbitMQ that its epoch is over, or all is healed.
    if act == Act::Split && !draw.all { disconnect_some(primary, draw.replica).await } else { Ok(()) }
}

/// Ends every other connection of the services.
async fn disconnect_some(redis: &Stack, which: usize) -> anyhow::Result<()> {
    let url = &redis.urls().redis;
    let clients: String = ask(url, &["CLIENT", "LIST"]).await?;
    // They alone speak RESP3.
    let services = clients.lines().filter(|client| client.contains("resp=3"));
    let ids = services.filter_map(|client| client.split(' ').find_map(|field| field.strip_prefix("id=")));
    for (_, id) in ids.enumerate().filter(|(index, _)| (index + which).is_multiple_of(2)) {
        // It may have gone by itself.
        tell(url, &["CLIENT", "KILL", "ID", id]).await?;
    }
    Ok(())
}

pub(super) async fn heal(fleet: &Fleet) -> anyhow::Result<()> {
    for stack in fleet.redis() {
        stack.start(Server::Redis).await.map_err(sentence)?;
        stack.resume(Server::Redis).map_err(sentence)?;
        admit(stack).await?;
    }
    fleet.watch()?.settled(fleet.redis()).await
}
