//! `load history`: a system of its own, the workload on it with faults in the middle, and the check.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use clap::ValueEnum;
use devstack::{ElasticsearchOptions, StackOptions};
use localsystem::{Binaries, LocalSystem, Options, Service};
use say::say;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    check::{Stores, check},
    faults::{Fault, Struck},
    report::Report,
    running::Running,
    workload::{self, Targets},
};

/// How long a server may take to start, on a machine that has much else to do.
const READY_WITHIN: Duration = Duration::from_secs(600);

/// So that reads are kept in a cache, much stands in the queues when something breaks, and counts move under load.
const SETTINGS: [(&str, &str); 4] = [
    ("CHAT__CACHE__ENABLED", "true"),
    ("CHAT__CONSUMER__BATCH_MS", "500"),
    ("CHAT__CONSUMER__COUNT_INTERVAL_MS", "5000"),
    ("LOG_LEVEL", "error"),
];

/// How a history is made.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Round {
    /// Seconds of load, beside those that faults take
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// What decides all that is left to chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Clients, each with one call at a time
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    clients: u16,
    /// How often the faults strike, one after the other
    #[arg(long, default_value_t = 1)]
    times: usize,
}

/// One history.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    round: Round,
    /// What breaks under the load, once for each fault [default: all of them]
    #[arg(long, value_enum)]
    fault: Vec<Fault>,
    /// Where the services' programs lie, if they are not to be built
    #[arg(long)]
    programs: Option<PathBuf>,
    #[command(flatten)]
    running: Running,
}

/// Makes a history, checks it and prints the report.
///
/// # Errors
/// When there is a violation.
pub(crate) async fn history(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { round, fault, programs, running } = arguments;
    if running.is_given() {
        let report = running.run(&round.options(), Duration::from_secs(round.seconds)).await?;
        say!("{report}");
        return report.verdict();
    }
    let binaries = match programs {
        Some(directory) => Binaries::at(directory),
        None => Binaries::build().await?,
    };
    let faults = if fault.is_empty() { Fault::value_variants() } else { &fault };
    let mut system = start(binaries).await?;
    let report = round.run(&mut system, faults).await?;
    say!("{report}");
    system.down().await?;
    report.verdict()
}

/// A system of its own.
pub(super) async fn start(binaries: Binaries) -> anyhow::Result<LocalSystem> {
    let environment = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    // Nothing is measured: no server steps back for another, and all may be slow.
    let elasticsearch = ElasticsearchOptions { short_lived: true, ..ElasticsearchOptions::default() };
    let stack = StackOptions { ready_within: READY_WITHIN, elasticsearch, ..StackOptions::default() };
    let options = Options { stack, ports: BTreeMap::new(), environment };
    LocalSystem::start(binaries, options, devstack::for_terminal().as_ref()).await
}

impl Round {
    /// Makes a history on the system, with one more replica of the api and of ingest, and checks it.
    pub(super) async fn run(&self, system: &mut LocalSystem, faults: &[Fault]) -> anyhow::Result<Report> {
        let targets = Targets {
            api: vec![url(system.address(Service::Api))?, url(system.start_replica(Service::Api, &[]).await?)?],
            ingest: vec![url(system.address(Service::Ingest))?, url(system.start_replica(Service::Ingest, &[]).await?)?],
        };
        let stores = Stores::on_stack(system.stack().urls(), targets.api[0].clone())?;
        let stop = CancellationToken::new();
        let options = self.options();
        let (made, struck) = tokio::join!(workload::run(&targets, &options, stop.clone()), self.strike(system, faults, stop));
        let mut history = made?;
        for Struck { keys_lost, rivals } in struck? {
            if let Some((from, until)) = keys_lost {
                history.keys_lost(from, until);
            }
            history.rivals.extend(rivals);
        }
        eprintln!("the load is over: what was answered is compared with what is stored, once all is quiet");
        check(&history, &stores).await
    }

    fn options(&self) -> workload::Options {
        workload::Options { clients: self.clients, seed: self.seed, ..workload::Options::default() }
    }

    /// Has the faults strike, with load before, between and behind them, and ends the load.
    async fn strike(&self, system: &mut LocalSystem, faults: &[Fault], stop: CancellationToken) -> anyhow::Result<Vec<Struck>> {
        // Also when a fault cannot be made: then there is nothing to go on for.
        let _stop = stop.drop_guard();
        let strikes = faults.len() * self.times;
        let calm = Duration::from_secs(self.seconds).div_f64((strikes + 1) as f64);
        let mut struck = Vec::new();
        for fault in faults.iter().cycle().take(strikes) {
            sleep(calm).await;
            eprintln!("{fault}");
            struck.push(fault.strike(system).await.with_context(|| fault.to_string())?);
        }
        sleep(calm).await;
        Ok(struck)
    }
}

fn url(address: SocketAddr) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("http://{address}"))?)
}
