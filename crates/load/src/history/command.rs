//! `load history`: a system of its own, the workload on it with a fault in the middle, and the check.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use devstack::StackOptions;
use localsystem::{Binaries, LocalSystem, Options, Service};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    check::{Stores, check},
    faults::{Fault, KeysLost},
    report::Report,
    running::{Running, database, index},
    workload::{self, Targets},
};

/// What the services call their index unless told otherwise.
const INDEX: &str = "chat-messages";

/// How long a server may take to start, on a machine that has much else to do.
const READY_WITHIN: Duration = Duration::from_secs(300);

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
    /// Seconds of load
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// What decides all that is left to chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Clients, each with one call at a time
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    clients: u16,
    /// How often the fault strikes
    #[arg(long, default_value_t = 2)]
    times: u32,
}

/// One history, under one fault.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    round: Round,
    /// What breaks under the load
    #[arg(long, value_enum, default_value_t = Fault::RedisFlush)]
    fault: Fault,
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
        println!("{report}");
        return report.verdict();
    }
    let binaries = match programs {
        Some(directory) => Binaries::at(directory),
        None => Binaries::build().await?,
    };
    let mut system = start(binaries).await?;
    let report = round.run(&mut system, fault).await?;
    println!("{report}");
    system.down().await?;
    report.verdict()
}

/// A system of its own.
pub(super) async fn start(binaries: Binaries) -> anyhow::Result<LocalSystem> {
    let environment = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    // Nothing is measured: no server steps back for another, and all may be slow.
    let stack = StackOptions { ready_within: READY_WITHIN, ..StackOptions::default() };
    let options = Options { stack, ports: BTreeMap::new(), environment };
    LocalSystem::start(binaries, options, devstack::for_terminal().as_ref()).await
}

impl Round {
    /// Makes a history on the system, with one more replica of the api and of ingest, and checks it.
    pub(super) async fn run(&self, system: &mut LocalSystem, fault: Fault) -> anyhow::Result<Report> {
        let targets = Targets {
            api: vec![url(system.address(Service::Api))?, url(system.start_replica(Service::Api, &[]).await?)?],
            ingest: vec![url(system.address(Service::Ingest))?, url(system.start_replica(Service::Ingest, &[]).await?)?],
        };
        let urls = system.stack().urls();
        let stores = Stores {
            mysql: database(&format!("{}/chat", urls.mysql))?,
            elasticsearch: index(&urls.elasticsearch, INDEX)?,
            api: targets.api[0].clone(),
        };
        let stop = CancellationToken::new();
        let options = self.options();
        let (made, struck) = tokio::join!(workload::run(&targets, &options, stop.clone()), self.strike(system, fault, stop));
        let mut history = made?;
        struck?.into_iter().for_each(|(from, until)| history.keys_lost(from, until));
        check(&history, &stores).await
    }

    fn options(&self) -> workload::Options {
        workload::Options { clients: self.clients, seed: self.seed, ..workload::Options::default() }
    }

    /// Spreads the faults over the time of the load, and ends the load.
    async fn strike(&self, system: &mut LocalSystem, fault: Fault, stop: CancellationToken) -> anyhow::Result<Vec<KeysLost>> {
        // Also when a fault cannot be made: then there is nothing to go on for.
        let _stop = stop.drop_guard();
        let (begun, time) = (Instant::now(), Duration::from_secs(self.seconds));
        let mut lost = Vec::new();
        for turn in 1..=self.times {
            sleep_until(begun + time * turn / (self.times + 1)).await;
            lost.extend(fault.strike(system).await?);
        }
        sleep_until(begun + time).await;
        Ok(lost)
    }
}

fn url(address: SocketAddr) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("http://{address}"))?)
}
