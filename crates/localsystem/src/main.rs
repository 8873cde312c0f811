//! `make run`: the whole system from nothing, until Ctrl-C.

mod welcome;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use clap::Parser;
use devstack::{DataDir, Database, StackOptions};
use localsystem::{Binaries, LocalSystem, Options, Service};
use tokio::signal::unix::{SignalKind, signal};

/// Runs MySQL, Redis, RabbitMQ, Elasticsearch and the three services on this machine, until Ctrl-C.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    /// Where the servers keep their data between runs [default: a directory of the user's]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Keep nothing: the data is removed at the end
    #[arg(long, conflicts_with = "data")]
    temporary: bool,
    /// MariaDB in place of MySQL
    #[arg(long)]
    mariadb: bool,
    /// Port of the api
    #[arg(long, default_value_t = Service::Api.usual_port())]
    api_port: u16,
    /// Port of ingest
    #[arg(long, default_value_t = Service::Ingest.usual_port())]
    ingest_port: u16,
    /// Port of the consumer's health and metrics
    #[arg(long, default_value_t = Service::Consumer.usual_port())]
    consumer_port: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let options = options(cli)?;
    let progress = devstack::for_terminal();
    let start = async { LocalSystem::start(Binaries::build().await?, options, progress.as_ref()).await };
    let mut system = tokio::select! {
        system = start => system?,
        // What was started so far is dropped, and ends with that.
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    welcome::print(&system);
    let outcome = tokio::select! {
        error = system.broken() => Err(error),
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    eprintln!("stopping …");
    outcome.and(system.down().await)
}

fn options(cli: Cli) -> anyhow::Result<Options> {
    let data = match (cli.temporary, cli.data) {
        (true, _) => DataDir::Temporary,
        (false, Some(path)) => DataDir::Path(path),
        (false, None) => DataDir::Path(devstack::default_data_directory()?),
    };
    let database = if cli.mariadb { Database::Mariadb } else { Database::Mysql };
    let ports = [(Service::Api, cli.api_port), (Service::Ingest, cli.ingest_port), (Service::Consumer, cli.consumer_port)];
    Ok(Options {
        stack: StackOptions { data, database, ..Options::shared_machine() },
        ports: BTreeMap::from(ports),
        environment: Vec::new(),
    })
}
