//! The operator's command: what is done to a chat system by hand, a file for each command. Nothing here serves clients, and
//! nothing is told of a secret.

mod completions;
mod config;
mod counts;
mod dead;
mod demo;
mod migrate;
mod partitions;
mod patience;
mod progress;
mod reindex;
mod restored;
mod text;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use say::remark;
use service::program;

/// Looks after a chat system: makes its tables and its search index, checks them, and mends them.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
It reads the services' own settings: the file that CHAT_CONFIG names, then the environment (DATABASE_URL, REDIS_URL, AMQP_URL,
ELASTICSEARCH_URL), each when a command needs it. `chatctl check-config` prints what is in force. In containers all of it is set:
`docker compose exec consumer chatctl …`.

Everything but `restored` and `partitions change` may be done while the system runs and is used, and may be done again. A command
that fails says why, and ends with a status other than 0. `chatctl COMMAND --help` tells more of each, and docs/OPERATIONS.md what
it prints, and what to do then.

First steps:
  chatctl migrate       once, before the services are started for the first time, and with each new version
  chatctl demo          see that all of it works
  chatctl verify        see that nothing that is stored is amiss

Something is wrong:
  chatctl dead list             what was acknowledged and could not be stored, and why
  chatctl partitions show       what waits to be stored, and whether a consumer stores it
  chatctl verify --repair       mend the search index and the counts
  chatctl reindex               the search index is lost
  chatctl restored              MySQL was put back from a back-up";

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring the database and the search index to what this version expects; make them if they do not exist
    ///
    /// To be run before services of this version are started. Where nothing is to be done it says so. It never makes an empty
    /// index where messages are stored: that is for `chatctl reindex`.
    Migrate,
    /// Bring the counts of chats and messages up to date now instead of within the hour
    #[command(subcommand)]
    Counts(counts::Command),
    /// Dead letters: look at what was acknowledged and could not be stored, store it after all, or let it go
    #[command(subcommand)]
    Dead(dead::Command),
    /// Make the search index anew from the database, while the system runs and is searched
    ///
    /// For an index that is lost, and for another number of shards or copies. Consumers must be running. It may be broken off:
    /// the same command goes on where it stood.
    Reindex(reindex::Options),
    /// Look at the queues of creates, or change their number while ingest and consumers are stopped
    #[command(subcommand)]
    Partitions(partitions::Command),
    /// Keep numbers apart after the database was put back to an older state, before the services are started
    ///
    /// Redis and the queues still name what the database has forgotten; this keeps that from being taken for something else. Stop
    /// all services, put the database back, `chatctl migrate`, run this, start the services, then `chatctl reindex` and `chatctl
    /// verify`. It takes nothing from what is stored. docs/OPERATIONS.md, "Back-up and restore".
    Restored(restored::Options),
    /// Compare all that is stored with the search index and the counts, on the running system
    ///
    /// It looks twice before it calls anything wrong, and fails if something is. Numbers that nothing has (gaps) are told and are
    /// no failure: their creates got an error. It reads at most --rate messages a second, so a large system takes a while.
    Verify(verify::Options),
    /// Print the settings in force, without passwords
    CheckConfig,
    /// Load the plays of Shakespeare into a running system, and check that all of it comes back
    ///
    /// As a client sees it, by the two ports alone; the plays are fetched from the internet. It makes applications of its own,
    /// which stay.
    Demo(demo::Options),
    /// Print what makes a shell complete this command's arguments
    Completions(completions::Options),
}

fn main() -> ExitCode {
    program::on_runtime(None, run(Cli::parse().command))
}

async fn run(command: Command) -> ExitCode {
    let outcome = match command {
        Command::Migrate => migrate::run().await,
        Command::Counts(command) => counts::run(command).await,
        Command::Dead(command) => dead::run(command).await,
        Command::Reindex(options) => reindex::run(&options).await,
        Command::Partitions(command) => partitions::run(command).await,
        Command::Restored(options) => restored::run(&options).await,
        Command::Verify(options) => verify::run(&options).await,
        Command::CheckConfig => config::check(),
        Command::Demo(options) => demo::run(options).await,
        Command::Completions(options) => completions::print(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            remark!("chatctl: {error:#}");
            ExitCode::FAILURE
        }
    }
}
