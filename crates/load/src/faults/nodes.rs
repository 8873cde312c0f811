//! One node of a RabbitMQ cluster is killed, or stopped in mid-air: the one that leads a queue, or another.
//!
//! The others are the majority: they elect another leader, and creates go on.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use devstack::{Server, Stack};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::timeout;

use super::{draw::Draw, servers};
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
    let node = choose(nodes, act.leader(), draw.replica).await?;
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

/// The place of a node that leads one of the quorum queues, or of one beside it.
async fn choose(nodes: &[Stack], leads: bool, which: usize) -> anyhow::Result<usize> {
    let leaders = leaders(nodes).await?;
    let leader = leaders[which % leaders.len()];
    if leads {
        return Ok(leader);
    }
    let others: Vec<usize> = (0..nodes.len()).filter(|node| *node != leader).collect();
    others.get(which % others.len().max(1)).copied().context("a cluster of one node has no followers")
}

/// The places of the nodes that lead the quorum queues, one for each queue.
pub(super) async fn leaders(nodes: &[Stack]) -> anyhow::Result<Vec<usize>> {
    for node in nodes {
        let Ok(queues) = ask::<Vec<Queue>>(node, "queues").await else { continue };
        let mut leaders: Vec<String> =
            queues.into_iter().filter(|queue| queue.kind == "quorum").map(|queue| queue.node).collect();
        leaders.sort();
        ensure!(!leaders.is_empty(), "there is no quorum queue");
        return leaders.iter().map(|name| place(name)).collect();
    }
    bail!("no node tells who leads")
}

/// The place of a node by its name: they are called `chat-1@127.0.0.11` and so on.
pub(super) fn place(name: &str) -> anyhow::Result<usize> {
    let number = name.strip_prefix("chat-").and_then(|rest| rest.split('@').next()?.parse::<usize>().ok());
    number.and_then(|number| number.checked_sub(1)).with_context(|| format!("no node is called {name}"))
}

/// What the management plug-in of a node shows.
pub(super) async fn ask<T: DeserializeOwned>(node: &Stack, what: &str) -> anyhow::Result<T> {
    let urls = node.urls();
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).build()?;
    let request = client
        .get(format!("{}/api/{what}", urls.rabbitmq_management))
        .basic_auth(&urls.rabbitmq_user, Some(&urls.rabbitmq_password));
    let answer = timeout(ANSWER_WITHIN, async { request.send().await?.error_for_status()?.json().await });
    Ok(answer.await??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_found_by_its_name() {
        assert_eq!(place("chat-1@127.0.0.11").unwrap(), 0);
        assert_eq!(place("chat-3@localhost").unwrap(), 2);
        for wrong in ["chat-0@127.0.0.11", "rabbit@127.0.0.11", "chat-x@127.0.0.11"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
