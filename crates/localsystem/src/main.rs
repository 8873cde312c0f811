//! `make run`: the whole system from nothing, until Ctrl-C. And a system around one command, for checks from outside.

mod exec;
mod welcome;

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use devstack::{DataDir, Database, StackOptions, control::Control};
use localsystem::{Binaries, LocalSystem, Options, Service};
use tokio::signal::unix::{SignalKind, signal};

/// Runs MySQL, Redis, RabbitMQ, Elasticsearch and the three services on this machine, until Ctrl-C.
#[derive(Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Verb>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Verb {
    /// Run a command beside a system of its own, on free ports and with data that is thrown away. It finds the services by
    /// API_URL, INGEST_URL and CONSUMER_URL, and the servers by the variables that the services use
    Exec {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<OsString>,
    },
}

#[derive(clap::Args)]
struct Run {
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
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => run(cli.run).await.map(|()| ExitCode::SUCCESS),
        Some(Verb::Exec { command }) => exec::run(&command).await,
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            say::remark!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Run) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let options = options(cli)?;
    // The build may take minutes: whoever has to choose another port hears of it before.
    localsystem::require_free(&options.ports)?;
    let progress = devstack::for_terminal();
    let start = async {
        let system = LocalSystem::start(Binaries::build().await?, options, progress.as_ref()).await?;
        // For devstack's verbs. A server that one of them takes away may come back: the services stay, as they do for users.
        let control = Control::open(system.stack()).map_err(|error| anyhow::anyhow!(error.with_sources()))?;
        anyhow::Ok((system, control))
    };
    let (mut system, control) = tokio::select! {
        started = start => started?,
        // What was started so far is dropped, and ends with that.
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    welcome::print(&system);
    let outcome = tokio::select! {
        error = system.broken() => Err(error),
        () = control.asked_down() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    say::remark!("stopping …");
    drop(control);
    outcome.and(system.down().await)
}

fn options(cli: Run) -> anyhow::Result<Options> {
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
