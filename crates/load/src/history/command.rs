//! `load history`: a system of its own, the workload on it with a fault in the middle, and the check.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::ensure;
use devstack::StackOptions;
use localsystem::{Binaries, LocalSystem, Options, Service};
use search::SearchIndex;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    check::{Stores, check},
    faults::{Fault, KeysLost},
    record::History,
    report::Report,
    workload::{self, Targets},
};
use crate::rounds::database;

/// Longer than for the services: the check asks for thousands of numbers at once.
const SEARCH_TIMEOUT_MS: u64 = 20_000;

/// How long a server may take to start, on a machine that has much else to do.
const READY_WITHIN: Duration = Duration::from_secs(300);

/// So that reads are kept in a cache, much stands in the queues when something breaks, and counts move under load.
const SETTINGS: [(&str, &str); 4] = [
    ("CHAT__CACHE__ENABLED", "true"),
    ("CHAT__CONSUMER__BATCH_MS", "500"),
    ("CHAT__CONSUMER__COUNT_INTERVAL_MS", "5000"),
    ("LOG_LEVEL", "error"),
];

/// How the history is made.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Seconds of load
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// What decides all that is left to chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Clients, each with one call at a time
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    clients: u16,
    /// What breaks under the load
    #[arg(long, value_enum, default_value_t = Fault::RedisFlush)]
    fault: Fault,
    /// How often it breaks
    #[arg(long, default_value_t = 2)]
    times: u32,
    /// Where the services' programs lie, if they are not to be built
    #[arg(long)]
    programs: Option<PathBuf>,
    /// The programs lack the guard against this fault: fail unless the check finds what comes of it
    #[arg(long)]
    expect_violation: bool,
}

/// Makes a history, checks it and prints the report.
///
/// # Errors
/// When there is a violation; or, if one is expected, when there is none of the kind that the fault exposes.
pub(crate) async fn history(arguments: Arguments) -> anyhow::Result<()> {
    let binaries = match &arguments.programs {
        Some(directory) => Binaries::at(directory.clone()),
        None => Binaries::build().await?,
    };
    let environment = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    // Nothing is measured: no server steps back for another, and all may be slow.
    let stack = StackOptions { ready_within: READY_WITHIN, ..StackOptions::default() };
    let options = Options { stack, ports: BTreeMap::new(), environment };
    let mut system = LocalSystem::start(binaries, options, devstack::for_terminal().as_ref()).await?;
    let report = make_and_check(&mut system, &arguments).await?;
    println!("{report}");
    system.down().await?;
    if !arguments.expect_violation {
        return report.verdict();
    }
    let exposed = arguments.fault.exposes();
    ensure!(exposed.iter().any(|kind| report.count(*kind) > 0), "a build without a guard was not found out");
    println!("found out, as it should be");
    Ok(())
}

async fn make_and_check(system: &mut LocalSystem, arguments: &Arguments) -> anyhow::Result<Report> {
    let targets = Targets {
        api: vec![url(system.address(Service::Api))?, url(system.start_replica(Service::Api, &[]).await?)?],
        ingest: vec![url(system.address(Service::Ingest))?, url(system.start_replica(Service::Ingest, &[]).await?)?],
    };
    let stores = Stores { mysql: database(system)?, elasticsearch: index(system)?, api: targets.api[0].clone() };
    let options = workload::Options { clients: arguments.clients, seed: arguments.seed, ..workload::Options::default() };
    let stop = CancellationToken::new();
    let (made, struck) = tokio::join!(workload::run(&targets, &options, stop.clone()), strike(system, arguments, stop));
    let mut history: History = made?;
    struck?.into_iter().for_each(|(from, until)| history.keys_lost(from, until));
    check(&history, &stores).await
}

/// Spreads the faults over the time of the load, and ends the load.
async fn strike(system: &mut LocalSystem, arguments: &Arguments, stop: CancellationToken) -> anyhow::Result<Vec<KeysLost>> {
    // Also when a fault cannot be made: then there is nothing to go on for.
    let _stop = stop.drop_guard();
    let (begun, time) = (Instant::now(), Duration::from_secs(arguments.seconds));
    let mut lost = Vec::new();
    for turn in 1..=arguments.times {
        sleep_until(begun + time * turn / (arguments.times + 1)).await;
        lost.extend(arguments.fault.strike(system).await?);
    }
    sleep_until(begun + time).await;
    Ok(lost)
}

fn url(address: SocketAddr) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("http://{address}"))?)
}

fn index(system: &LocalSystem) -> anyhow::Result<SearchIndex> {
    Ok(SearchIndex::connect(&search::Settings {
        url: system.stack().urls().elasticsearch.clone(),
        index: "chat-messages".to_owned(),
        timeout_ms: SEARCH_TIMEOUT_MS,
        shards: 1,
        replicas: 0,
        refresh_ms: 500,
    })?)
}
