//! How little the services take: memory while they are busy and while ten thousand clients say nothing, the programs' sizes, and
//! the time from a cold start to readiness.

use std::{fs, time::Instant};

use anyhow::Context;
use localsystem::Service;

use super::{
    idle::Idle,
    processes::memory_mb,
    row::{Row, Wanted},
    series::Series,
    world::World,
};
use crate::gets::{always, run};

const BUSY: u32 = 256;
const READERS: u32 = 64;
pub(super) const IDLE: usize = 10_000;

/// Adds the rows. Files for as many connections must be [allowed](super::idle::allow) before the system starts.
pub(super) async fn measure(world: &mut World) -> anyhow::Result<()> {
    sizes(world)?;
    cold_starts(world).await?;
    busy(world).await?;
    idle(world).await
}

fn sizes(world: &mut World) -> anyhow::Result<()> {
    for service in Service::ALL {
        let bytes = fs::metadata(world.system.program(service.name()))?.len();
        world.rows.push(Row::plain(format!("program of {service}"), "MB", Series::once(bytes as f64 / 1e6)));
    }
    Ok(())
}

async fn cold_starts(world: &mut World) -> anyhow::Result<()> {
    for service in Service::ALL {
        let mut took = Series::default();
        for _ in 0..world.effort.rounds {
            world.system.stop_service(service).await?;
            let begun = Instant::now();
            world.system.start_service(service).await?;
            took.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        let row = Row::plain(format!("start of {service}, servers up, until it is ready"), "ms", took);
        world.rows.push(row.wanted(Wanted::AtMost(300.0)));
    }
    Ok(())
}

async fn busy(world: &mut World) -> anyhow::Result<()> {
    let scenario = world.scenario("footprint", 1).await?;
    let application = format!("/applications/{}", scenario.token);
    let (mut ingest, mut api) = (Series::default(), Series::default());
    let duration = world.effort.duration;
    for _ in 0..world.effort.rounds {
        world.create(&scenario, BUSY, duration).await?;
        ingest.push(most_mb(world, Service::Ingest)?);
        run(world.address(Service::Api), READERS, &always(&application), duration).await?;
        api.push(most_mb(world, Service::Api)?);
    }
    world.settled().await?;
    let row = |name: String, figure, bound| Row::plain(name, "MB at most", figure).wanted(Wanted::AtMost(bound));
    world.rows.push(row(format!("ingest's memory, {BUSY} busy connections"), ingest, 60.0));
    world.rows.push(row(format!("api's memory, {READERS} busy connections"), api, 80.0));
    Ok(())
}

async fn idle(world: &mut World) -> anyhow::Result<()> {
    let scenario = world.scenario("idle connections", 1).await?;
    let (mut without, mut with, mut memory) = (Series::default(), Series::default(), Series::default());
    let (target, duration) = (world.address(Service::Ingest), world.effort.duration);
    for round in 1..=world.effort.rounds {
        eprintln!("idle connections: round {round} of {}", world.effort.rounds);
        world.settled().await?;
        without.push(world.create(&scenario, READERS, duration).await?.rate());
        world.settled().await?;
        let idle = Idle::open(target, IDLE).await?;
        with.push(world.create(&scenario, READERS, duration).await?.rate());
        memory.push(now_mb(world, Service::Ingest)?);
        anyhow::ensure!(idle.count() == IDLE, "connections were lost");
    }
    world.settled().await?;
    let what = format!("ingest with {IDLE} idle connections");
    world.rows.push(Row::plain(format!("{what}, memory"), "MB", memory).wanted(Wanted::AtMost(200.0)));
    let row =
        Row::plain(format!("{what}, {READERS} busy ones"), "creates a second", with).against("without the idle ones", without);
    world.rows.push(row.wanted(Wanted::RatioAtLeast(0.9)));
    Ok(())
}

fn most_mb(world: &World, service: Service) -> anyhow::Result<f64> {
    Ok(memory(world, service)?.1)
}

fn now_mb(world: &World, service: Service) -> anyhow::Result<f64> {
    Ok(memory(world, service)?.0)
}

fn memory(world: &World, service: Service) -> anyhow::Result<(f64, f64)> {
    world.system.process_id(service).and_then(memory_mb).with_context(|| format!("{service} has ended"))
}
