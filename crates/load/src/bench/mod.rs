//! `make bench`: everything that is promised about speed, measured beside its limit in the same run, as one table.
//!
//! All measurements of a part are made in turn, in several rounds, so that the machine's moods fall on all alike; a row tells the
//! median, the range, and the ratio to the limit round by round. A figure that is not reached is told, and fails nothing: a
//! machine may be busy. What fails is a create that was acknowledged and is not stored.

mod access_log;
mod amqp;
pub(crate) mod bare_reads;
pub(crate) mod baseline;
mod bulk;
mod corpus;
mod counts;
mod creates;
mod drain;
mod effort;
pub(crate) mod fixed_rate;
mod footprint;
mod generator;
mod idle;
mod inserts;
mod lone;
mod machine;
mod pace;
mod processes;
mod reads;
mod rivals;
mod row;
mod scale;
mod scratch;
mod search;
mod series;
mod table;
mod world;

use std::time::Instant;

use anyhow::Context;
use say::say;

pub(crate) use effort::Options;
use effort::{Effort, Part};
use world::World;

/// Clients of the warm-up.
const WARM_UP_CLIENTS: u32 = 256;

/// Measures what is asked for, and prints the table as it grows: what was measured is told, whatever fails behind it.
pub(crate) async fn bench(options: Options) -> anyhow::Result<()> {
    let effort = Effort::of(&options);
    let begun = Instant::now();
    if effort.parts.contains(&Part::Footprint) {
        idle::allow(footprint::IDLE).await?;
    }
    let Effort { parts, rounds, duration, .. } = effort.clone();
    let mut world = World::start(effort).await?;
    warm_up(&mut world).await?;
    say!("{}", machine::describe());
    say!("{rounds} rounds of {:.1} s.\n", duration.as_secs_f64());
    say::text(format_args!("{}", table::HEAD))?;
    for part in parts {
        let outcome = measure(&mut world, part).await.with_context(|| format!("{part:?}"));
        let mut rows = std::mem::take(&mut world.rows);
        if outcome.is_err() {
            rows.retain(|row| row.figure.rounds() > 0);
        }
        say::text(format_args!("{}", table::lines(&rows)))?;
        outcome?;
    }
    say!("\n{:.0} s in all.", begun.elapsed().as_secs_f64());
    world.end().await
}

/// Elasticsearch compiles its code while it runs, and pools fill.
async fn warm_up(world: &mut World) -> anyhow::Result<()> {
    eprintln!("warming up");
    let scenario = world.scenario("warm-up", 1).await?;
    world.create(&scenario, WARM_UP_CLIENTS, world.effort.warm_up).await?;
    world.settled().await
}

async fn measure(world: &mut World, part: Part) -> anyhow::Result<()> {
    match part {
        Part::Creates => creates::measure(world).await,
        Part::Lone => lone::measure(world).await,
        Part::Drain => drain::measure(world).await,
        Part::Reads => reads::measure(world).await,
        Part::Search => search::measure(world).await,
        Part::Counts => counts::measure(world).await,
        Part::FixedRate => fixed_rate::measure(world).await,
        Part::Scale => scale::measure(world).await,
        Part::AccessLog => access_log::measure(world).await,
        Part::Footprint => footprint::measure(world).await,
        Part::Generator => generator::measure(world).await,
    }
}
