//! What it costs ingest to write a line for each request, as it does by default: every other figure is of services that write
//! none. One replica writes the lines to a file, another is as the others; clients create at each in turn.

use anyhow::Context;
use localsystem::Service;

use super::{
    processes::{Account, Group},
    row::Row,
    scratch::Scratch,
    series::Series,
    world::World,
};

const CLIENTS: u32 = 256;
const WITH: [(&str, &str); 1] = [("LOG_LEVEL", "info")];

/// Creates a second, and microseconds of the replica's processor time for each.
#[derive(Default)]
struct Measured {
    rate: Series,
    cost_us: Series,
}

/// Adds the rows. The consumer is stopped meanwhile, for less noise.
pub(super) async fn measure(world: &mut World) -> anyhow::Result<()> {
    let scenario = world.scenario("access log", 1).await?;
    let log = Scratch::new("access.log");
    let with = world.system.start_logged_replica(Service::Ingest, &WITH, log.path()).await?;
    let with_id = newest(world)?;
    let without = world.system.start_replica(Service::Ingest, &[]).await?;
    let replicas = [(with, with_id), (without, newest(world)?)];
    world.settled().await?;
    world.system.stop_service(Service::Consumer).await?;
    let mut measured: [Measured; 2] = Default::default();
    for round in 1..=world.effort.rounds {
        eprintln!("access log: round {round} of {}", world.effort.rounds);
        for ((address, id), measured) in replicas.iter().zip(&mut measured) {
            let replica = Group { name: "replica", roots: vec![*id], with_children: false };
            let before = Account::now()?;
            let outcome = world.create_at(&[*address], &scenario, CLIENTS, world.effort.duration).await?;
            let spent = Account::now()?.of(&replica).saturating_sub(before.of(&replica));
            measured.rate.push(outcome.rate());
            measured.cost_us.push(spent as f64 / outcome.latency_us.len().max(1) as f64);
        }
    }
    world.system.start_service(Service::Consumer).await?;
    world.system.stop_replicas().await?;
    let [with, without] = measured;
    let what = format!("creates, {CLIENTS} connections, consumer stopped, access log in a file");
    let rate = Row::plain(&what, "a second", with.rate).against("no access log", without.rate);
    let cost = Row::plain(&what, "µs of ingest's processor time", with.cost_us).against("no access log", without.cost_us);
    world.rows.extend([rate, cost]);
    world.settled().await
}

/// The process of the replica that was started last.
fn newest(world: &World) -> anyhow::Result<u32> {
    world.system.process_ids(Service::Ingest).pop().context("the replica has ended")
}
