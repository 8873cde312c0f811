//! The network between one RabbitMQ node and the two others is cut. Clients reach all three: it is one that an ingest publishes
//! to, and that leads a queue, or leads none.
//!
//! The two are the majority. They take the third for gone, elect leaders and go on. The third goes on too: it takes what its
//! clients publish, and must confirm none of it. A cut that the nodes do not notice is none, and fails the run.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, ensure};
use devstack::Stack;
use localsystem::Service;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{
    draw::Draw,
    nodes::{ask, leaders, place},
};
use crate::fleet::Fleet;

/// Nodes notice it after [`NET_TICK`](devstack::RabbitmqCluster::NET_TICK) and a quarter of it; here they may be slow.
const NOTICED_WITHIN: Duration = Duration::from_secs(60);
/// They look for one another every second.
const JOINED_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(super) async fn inject(fleet: &mut Fleet, draw: Draw) -> anyhow::Result<()> {
    let leaders = leaders(fleet.rabbitmq()).await?;
    let node = choose(fleet.rabbitmq().len(), &fleet.nodes_of(Service::Ingest)?, &leaders, draw);
    fleet.cut_off(node.context("there is no node")?).await
}

/// One of those with clients, as long as there is any; rather one that leads a queue, or rather one that leads none.
fn choose(nodes: usize, with_clients: &[usize], leaders: &[usize], draw: Draw) -> Option<usize> {
    let nodes = (0..nodes).map(|node| (node, (with_clients.contains(&node), leaders.contains(&node) == draw.all)));
    let best = nodes.clone().map(|(_, merits)| merits).max()?;
    let nodes: Vec<usize> = nodes.filter(|(_, merits)| *merits == best).map(|(node, _)| node).collect();
    nodes.get(draw.replica % nodes.len()).copied()
}

/// Lasts until each node has noticed, and after that until all have found one another again.
pub(super) async fn heal(fleet: &mut Fleet) -> anyhow::Result<()> {
    let Some(node) = fleet.is_cut_off() else { return Ok(()) };
    let noticed = all_see(fleet.rabbitmq(), Some(node), NOTICED_WITHIN).await;
    let joined = match fleet.mend_cut().await {
        Ok(()) => all_see(fleet.rabbitmq(), None, JOINED_WITHIN).await,
        not_mended => not_mended,
    };
    noticed.context("the cut is none").and(joined)
}

/// Waits until every node sees those that it can reach, and no others.
async fn all_see(nodes: &[Stack], cut_off: Option<usize>, within: Duration) -> anyhow::Result<()> {
    let deadline = Instant::now() + within;
    for (viewer, node) in nodes.iter().enumerate() {
        let expected = in_reach(nodes.len(), cut_off, viewer);
        loop {
            let seen = seen_by(node).await;
            if seen.as_ref().is_ok_and(|seen| *seen == expected) {
                break;
            }
            let seen = seen.map(|seen| names(&seen)).unwrap_or_else(|error| format!("nothing ({error:#})"));
            let (viewer, expected, limit) = (names(&[viewer].into()), names(&expected), within.as_secs());
            ensure!(Instant::now() < deadline, "after {limit} s {viewer} should see {expected} and sees {seen}");
            sleep(LOOK_EVERY).await;
        }
    }
    Ok(())
}

/// What nodes at these places are called.
fn names(places: &BTreeSet<usize>) -> String {
    places.iter().map(|place| format!("chat-{}", place + 1)).collect::<Vec<_>>().join(", ")
}

/// The places of the nodes that one of them can reach, itself included, when one is cut off from the others.
fn in_reach(nodes: usize, cut_off: Option<usize>, viewer: usize) -> BTreeSet<usize> {
    let is_cut_off = |node: usize| cut_off == Some(node);
    (0..nodes).filter(|node| *node == viewer || !is_cut_off(*node) && !is_cut_off(viewer)).collect()
}

/// A node, as the management plug-in shows it.
#[derive(Deserialize)]
struct Peer {
    name: String,
    running: bool,
}

/// The places of the nodes that this one sees, itself included.
async fn seen_by(node: &Stack) -> anyhow::Result<BTreeSet<usize>> {
    let peers: Vec<Peer> = ask(node, "nodes?columns=name,running").await?;
    peers.iter().filter(|peer| peer.running).map(|peer| place(&peer.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_with_clients_is_cut_off_and_rather_one_that_leads_or_one_that_does_not() {
        let choose = |with_clients: &[usize], leaders: &[usize], all, replica| {
            choose(3, with_clients, leaders, Draw { replica, all, fraction: 0.0 })
        };
        assert_eq!(choose(&[1, 2], &[2, 0], true, 7), Some(2));
        assert_eq!(choose(&[1, 2], &[2, 0], false, 7), Some(1));
        assert_eq!(choose(&[1], &[2], true, 7), Some(1));
        assert_eq!([0, 1].map(|replica| choose(&[], &[0, 2], true, replica)), [Some(0), Some(2)]);
    }

    #[test]
    fn who_is_cut_off_sees_itself_alone_and_the_others_see_one_another() {
        let seen = |cut_off| (0..3).map(|viewer| in_reach(3, cut_off, viewer).into_iter().collect()).collect::<Vec<Vec<usize>>>();
        assert_eq!(seen(None), [[0, 1, 2], [0, 1, 2], [0, 1, 2]]);
        assert_eq!(seen(Some(1)), [vec![0, 2], vec![1], vec![0, 2]]);
    }
}
