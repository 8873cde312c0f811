//! Measures how many creates a second the system acknowledges, beside a bare echo of the same framework, and checks that all that
//! was acknowledged is stored as it was sent; `load bench` measures everything that is promised about speed.
//!
//! `load` starts a system of its own, on free ports, with data that is thrown away. It sends to this machine only.

mod bench;
mod check;
mod connection;
mod echo;
mod faults;
mod fleet;
mod found;
mod gets;
mod history;
mod loss;
mod open_loop;
mod outages;
mod probe;
mod reads;
mod redis;
mod rounds;
mod run;
mod scenario;
mod side;
mod table;
mod wait;

use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

/// Creates at full speed, checked.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// How often each measurement is repeated, all of them in turn
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Seconds of creates before the first measurement: Elasticsearch compiles its code while it runs
    #[arg(long, default_value_t = 20)]
    warm_up: u64,
    /// Chats of the scenario with many
    #[arg(long, default_value_t = 1_000)]
    chats: usize,
}

#[derive(Subcommand)]
enum Command {
    /// Measure everything that is promised about speed, each beside its limit, and print one table (see `make bench`)
    Bench(bench::Options),
    /// Create at a fixed rate, and tell how long each create took from the moment at which it was to be sent
    OpenLoop(bench::fixed_rate::Options),
    /// Flush Redis, then kill it and remove its append-only file, in the middle of the load (nothing may be lost or doubled)
    RedisLoss,
    /// Ask for the same few things again and again, of an api with a cache and of one without
    Reads,
    /// Kill each of the four servers and pause MySQL and RabbitMQ, for 30 s each, and stop each service by SIGTERM, in the middle
    /// of the load
    Outages,
    /// Let everything go wrong that may, under load, alone and in each combination of two (nothing may be lost or doubled)
    Faults(faults::Options),
    /// Write down every call of many clients and its answer, with a fault in the middle, and check all of it against what is
    /// stored
    History(history::command::Arguments),
    /// The same under all faults, and with builds that lack a guard against them, which must be found out (see `make broken`)
    Broken(history::broken::Arguments),
    /// Serve the bare echo that creates are compared with (started by the measurement itself)
    #[command(hide = true)]
    Echo,
    /// Serve the straightforward implementation of creates (started by the measurement itself)
    #[command(hide = true)]
    Baseline(bench::baseline::Options),
    /// Serve reads by a bare handler (started by the measurement itself)
    #[command(hide = true)]
    BareReads(bench::bare_reads::Options),
    /// Print what makes a shell complete this command's arguments
    Completions {
        /// The shell that is to read it
        shell: Shell,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let duration = Duration::from_secs(cli.seconds);
    match cli.command {
        None => rounds::measure(cli.rounds, duration, Duration::from_secs(cli.warm_up), cli.chats).await,
        Some(Command::Bench(options)) => bench::bench(options).await,
        Some(Command::OpenLoop(options)) => bench::fixed_rate::command(options).await,
        Some(Command::RedisLoss) => loss::redis_loss(cli.chats.min(50)).await,
        Some(Command::Reads) => reads::reads(cli.rounds, duration).await,
        Some(Command::Outages) => outages::outages().await,
        Some(Command::Faults(options)) => faults::faults(options).await,
        Some(Command::History(arguments)) => history::command::history(arguments).await,
        Some(Command::Broken(arguments)) => history::broken::broken(arguments).await,
        Some(Command::Echo) => echo::serve().await,
        Some(Command::Baseline(options)) => bench::baseline::serve(options).await,
        Some(Command::BareReads(options)) => bench::bare_reads::serve(options).await,
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "load", &mut script);
            Ok(say::text(format_args!("{}", String::from_utf8(script)?))?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_do_not_contradict_one_another() {
        Cli::command().debug_assert();
    }
}
