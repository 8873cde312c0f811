//! One node of a RabbitMQ cluster is killed, or cut off by stopping it in mid-air: the one that leads a queue, or another.
//!
//! The others are the majority: they elect another leader, and creates go on.

use std::time::Duration;

use anyhow::{Context, bail};
use devstack::{Server, Stack};
use serde::Deserialize;
use tokio::time::timeout;

use super::{fault::Draw, servers};
use crate::fleet::Fleet;

/// What happens, and to which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    LeaderKill,
    LeaderPause,
    FollowerKill,
    FollowerPause,
}

impl Act {
    pub(crate) const ALL: [Self; 4] = [Self::LeaderKill, Self::LeaderPause, Self::FollowerKill, Self::FollowerPause];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LeaderKill => "leader-kill",
            Self::LeaderPause => "leader-pause",
            Self::FollowerKill => "follower-kill",
            Self::FollowerPause => "follower-pause",
        }
    }

    fn leader(self) -> bool {
        matches!(self, Self::LeaderKill | Self::LeaderPause)
    }

    fn done_to_the_server(self) -> servers::Act {
        match self {
            Self::LeaderKill | Self::FollowerKill => servers::Act::Kill,
            Self::LeaderPause | Self::FollowerPause => servers::Act::Pause,
        }
    }
}

const ANSWER_WITHIN: Duration = Duration::from_secs(20);

pub(super) async fn inject(act: Act, fleet: &Fleet, draw: Draw) -> anyhow::Result<()> {
    let nodes = fleet.rabbitmq();
    let leader = leader(nodes, draw.replica).await?;
    let node = if act.leader() {
        leader
    } else {
        let followers: Vec<usize> = (0..nodes.len()).filter(|node| *node != leader).collect();
        *followers.get(draw.replica % followers.len().max(1)).context("a cluster of one node has no followers")?
    };
    servers::inject(act.done_to_the_server(), &nodes[node], Server::Rabbitmq).await
}

/// Whichever it was.
pub(super) async fn heal(act: Act, fleet: &Fleet) -> anyhow::Result<()> {
    for node in fleet.rabbitmq() {
        servers::heal(act.done_to_the_server(), node, Server::Rabbitmq).await?;
    }
    Ok(())
}

/// A queue, as the management plug-in shows it.
#[derive(Deserialize)]
struct Queue {
    #[serde(rename = "type")]
    kind: String,
    /// Of a quorum queue, the node that leads it.
    node: String,
}

/// The place of the node that leads one of the quorum queues.
async fn leader(nodes: &[Stack], which: usize) -> anyhow::Result<usize> {
    for node in nodes {
        let Ok(queues) = queues(node).await else { continue };
        let mut leaders: Vec<String> =
            queues.into_iter().filter(|queue| queue.kind == "quorum").map(|queue| queue.node).collect();
        leaders.sort();
        let name = leaders.get(which % leaders.len().max(1)).context("there is no quorum queue")?;
        // They are called chat-1@localhost and so on.
        let number = name.strip_prefix("chat-").and_then(|rest| rest.split('@').next()?.parse::<usize>().ok());
        return number.and_then(|number| number.checked_sub(1)).with_context(|| format!("no node is called {name}"));
    }
    bail!("no node tells who leads")
}

async fn queues(node: &Stack) -> anyhow::Result<Vec<Queue>> {
    let urls = node.urls();
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).build()?;
    let request = client
        .get(format!("{}/api/queues", urls.rabbitmq_management))
        .basic_auth(&urls.rabbitmq_user, Some(&urls.rabbitmq_password));
    let answer = timeout(ANSWER_WITHIN, async { request.send().await?.error_for_status()?.json().await });
    Ok(answer.await??)
}
