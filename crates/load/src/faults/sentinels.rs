//! Three Sentinels move Redis' primary to a replica that lags behind: because the primary is gone, or because they alone do not
//! reach it, and it goes on answering whoever is connected.
//!
//! Nothing is ordered here but what breaks. The Sentinels do the rest, the healing too: what was the primary comes back as a
//! replica.

use std::time::Duration;

use devstack::{Server, Stack};
use tokio::time::sleep;

use super::{draw::Draw, redis};
use crate::{
    fleet::{Fleet, Roles, admit, disconnect_half_the_services, hide_from_sentinels, leave_replica_behind, roles, sentence},
    wait::within,
};

/// What happens to the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// It is killed, or stopped in mid-air.
    Failover,
    /// It seems down to the Sentinels alone. Some clients lose their connections and ask the Sentinels, others stay where they
    /// are.
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
const ASKED_WITHIN: Duration = Duration::from_secs(20);
/// With an append-only file of hours.
const STARTED_WITHIN: Duration = Duration::from_secs(60);

pub(super) async fn inject(act: Act, fleet: &Fleet, draw: Draw) -> anyhow::Result<()> {
    let Roles { primary, replica } = within("ask both Redis for their roles", ASKED_WITHIN, roles(fleet.redis())).await?;
    leave_replica_behind(primary).await?;
    sleep(LONGEST_LAG.mul_f64(draw.fraction)).await;
    match act {
        Act::Failover if draw.all => primary.kill(Server::Redis).await.map_err(sentence)?,
        Act::Failover => primary.pause(Server::Redis).map_err(sentence)?,
        Act::Split => hide_from_sentinels(primary).await?,
    }
    fleet.watch()?.promoted(replica).await?;
    match act {
        // Half the time all stay with the old primary, until all is healed or somebody comes anew and opens an epoch with the
        // other.
        Act::Split if !draw.all => disconnect_half_the_services(primary, draw.replica).await,
        _ => Ok(()),
    }
}

pub(super) async fn heal(fleet: &Fleet) -> anyhow::Result<()> {
    for stack in fleet.redis() {
        within("have a Redis run again", STARTED_WITHIN, run(stack)).await?;
        admit(stack).await?;
    }
    fleet.watch()?.settled(fleet.redis()).await
}

async fn run(stack: &Stack) -> anyhow::Result<()> {
    redis::or_mended(stack, stack.start(Server::Redis).await).await?;
    stack.resume(Server::Redis).map_err(sentence)
}
