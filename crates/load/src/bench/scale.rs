//! More replicas on the same machine, which must not cost throughput; and what a create costs each process, from the processes'
//! own accounts: what a larger installation is sized by.

use std::{collections::BTreeMap, sync::Arc};

use localsystem::Service;

use super::{
    processes::Account,
    row::{Row, Wanted},
    series::Series,
    world::World,
};
use crate::scenario::Scenario;

const CLIENTS: u32 = 256;
/// At which numbers of clients a create's cost is told.
const COSTS_AT: [u32; 2] = [64, 256];
/// A tenth and some is the machine's mood; what is beyond is a loss.
const NO_LOSS: f64 = 0.95;

/// How many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Replicas {
    ingest: usize,
    consumer: usize,
}

/// The first is what the others are compared with.
const ALL: [Replicas; 4] = [
    Replicas { ingest: 1, consumer: 1 },
    Replicas { ingest: 2, consumer: 1 },
    Replicas { ingest: 3, consumer: 1 },
    Replicas { ingest: 3, consumer: 2 },
];

/// Adds the rows.
pub(super) async fn measure(world: &mut World) -> anyhow::Result<()> {
    let scenario = world.scenario("scale", world.effort.chats).await?;
    let mut rates: [Series; ALL.len()] = Default::default();
    for round in 1..=world.effort.rounds {
        eprintln!("scale: round {round} of {}", world.effort.rounds);
        for (replicas, rates) in ALL.into_iter().zip(&mut rates) {
            rates.push(with(world, replicas, &scenario).await?);
        }
    }
    for (replicas, rate) in ALL.into_iter().zip(&rates).skip(1) {
        let what = format!("creates, {CLIENTS} connections, {}", describe(replicas));
        let row = Row::plain(what, "a second", rate.clone()).against(describe(ALL[0]), rates[0].clone());
        world.rows.push(row.wanted(Wanted::RatioAtLeast(NO_LOSS)));
    }
    costs(world, &scenario).await
}

async fn with(world: &mut World, replicas: Replicas, scenario: &Arc<Scenario>) -> anyhow::Result<f64> {
    let mut targets = vec![world.address(Service::Ingest)];
    for _ in 1..replicas.ingest {
        targets.push(world.system.start_replica(Service::Ingest, &[]).await?);
    }
    for _ in 1..replicas.consumer {
        world.system.start_replica(Service::Consumer, &[]).await?;
    }
    world.settled().await?;
    let duration = world.effort.duration;
    let rate = world.create_at(&targets, scenario, CLIENTS, duration).await?.rate();
    world.settled().await?;
    world.system.stop_replicas().await?;
    Ok(rate)
}

fn describe(Replicas { ingest, consumer }: Replicas) -> String {
    let plural = |count| if count == 1 { "" } else { "s" };
    format!("{ingest} ingest{}, {consumer} consumer{}", plural(ingest), plural(consumer))
}

/// Until all is stored and indexed: the whole of what a create costs, in whichever moment.
async fn costs(world: &mut World, scenario: &Arc<Scenario>) -> anyhow::Result<()> {
    for clients in COSTS_AT {
        let mut costs: BTreeMap<&'static str, Series> = BTreeMap::new();
        for round in 1..=world.effort.rounds {
            eprintln!("costs of a create, {clients} connections: round {round} of {}", world.effort.rounds);
            world.settled().await?;
            let (groups, before, duration) = (world.groups(), Account::now()?, world.effort.duration);
            let creates = world.create(scenario, clients, duration).await?.latency_us.len();
            world.settled().await?;
            let after = Account::now()?;
            for group in groups {
                let spent = after.of(&group).saturating_sub(before.of(&group));
                costs.entry(group.name).or_default().push(spent as f64 / creates.max(1) as f64);
            }
        }
        let row = |(name, cost)| Row::plain(format!("a create at {clients} connections, {name}"), "µs of processor time", cost);
        world.rows.extend(costs.into_iter().map(row));
    }
    Ok(())
}
