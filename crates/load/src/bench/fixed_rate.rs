//! Creates and echoes at a fixed rate, by the open loop: how long a client waits at a load that the machine can bear, which a
//! closed loop, always at the limit, cannot tell.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::ensure;
use clap::Args;
use hdrhistogram::Histogram;
use localsystem::Service;

use super::{effort::Effort, row::Row, series::Series, world::World};
use crate::{
    open_loop::{Outcome, Schedule, run},
    scenario::Scenario,
};

/// Creates a second.
const RATES: [f64; 2] = [1_000.0, 4_000.0];
const CONNECTIONS: u32 = 256;
const QUANTILES: [(f64, &str); 6] =
    [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"), (0.9999, "p99.99"), (1.0, "max")];

/// `load open-loop`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Creates a second
    #[arg(long, default_value_t = 2_000.0, value_parser = positive)]
    rate: f64,
    /// For how long, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections at most
    #[arg(long, default_value_t = CONNECTIONS, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Chats that they are spread over
    #[arg(long, default_value_t = 1_000)]
    chats: usize,
    /// The bare echo in place of the system
    #[arg(long)]
    echo: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|rate| (0.001..=1e6).contains(rate)).ok_or_else(|| "must be a number of creates a second".to_owned())
}

/// One run by itself, told in full; fails unless all that was acknowledged is stored.
pub(crate) async fn command(options: Options) -> anyhow::Result<()> {
    let chats = options.chats.max(1);
    let mut world = World::start(Effort::alone(chats)).await?;
    let scenario = world.scenario("open loop", chats).await?;
    let target = if options.echo { world.echo.address } else { world.address(Service::Ingest) };
    let Options { rate, seconds, connections, .. } = options;
    let duration = Duration::from_secs(seconds);
    let outcome = run(Schedule { target, scenario, rate, connections, duration, run: 1 }).await?;
    println!(
        "{} creates in {:.1} s: {} acknowledged, {} refused, {} unanswered\n",
        outcome.late_us.len(),
        outcome.elapsed.as_secs_f64(),
        outcome.acknowledged(),
        outcome.refused,
        outcome.unanswered
    );
    println!("| | from the intended moment, ms | sent late, ms |\n|---|---|---|");
    for (quantile, name) in QUANTILES {
        println!("| {name} | {:.2} | {:.2} |", at(&outcome.latency_us, quantile), at(&outcome.late_us, quantile));
    }
    if !options.echo {
        world.account_for(outcome.acknowledged(), outcome.refused + outcome.unanswered);
        world.settled().await?;
        println!("\nall that was acknowledged is stored and indexed");
    }
    world.end().await
}

/// Adds the rows.
pub(super) async fn measure(world: &mut World) -> anyhow::Result<()> {
    let scenario = world.scenario("fixed rate", world.effort.chats).await?;
    for rate in RATES {
        let (mut ours, mut echo): ([Series; 2], [Series; 2]) = Default::default();
        let mut late = Series::default();
        for round in 1..=world.effort.rounds {
            eprintln!("{rate} creates a second: round {round} of {}", world.effort.rounds);
            world.settled().await?;
            let bare = at_rate(world, world.echo.address, &scenario, rate).await?;
            let outcome = at_rate(world, world.address(Service::Ingest), &scenario, rate).await?;
            world.account_for(outcome.acknowledged(), outcome.refused + outcome.unanswered);
            for (index, quantile) in [0.5, 0.99].into_iter().enumerate() {
                ours[index].push(at(&outcome.latency_us, quantile));
                echo[index].push(at(&bare.latency_us, quantile));
            }
            late.push(at(&outcome.late_us, 0.99));
        }
        let what = format!("{rate} creates a second, open loop, from the intended moment");
        for (index, unit) in ["p50 ms", "p99 ms"].into_iter().enumerate() {
            let row = Row::plain(&what, unit, ours[index].clone());
            world.rows.push(row.against("bare echo at this rate", echo[index].clone()));
        }
        world.rows.push(Row::plain(format!("{rate} creates a second, open loop, sent late"), "p99 ms", late));
    }
    world.settled().await
}

async fn at_rate(world: &World, target: SocketAddr, scenario: &Arc<Scenario>, rate: f64) -> anyhow::Result<Outcome> {
    let (scenario, duration) = (scenario.clone(), world.effort.duration);
    let outcome = run(Schedule { target, scenario, rate, connections: CONNECTIONS, duration, run: 0 }).await?;
    ensure!(outcome.unanswered == 0, "{} creates were not answered", outcome.unanswered);
    Ok(outcome)
}

fn at(took_us: &Histogram<u64>, quantile: f64) -> f64 {
    took_us.value_at_quantile(quantile) as f64 / 1e3
}
