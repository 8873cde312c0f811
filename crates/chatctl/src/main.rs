//! The operator's command: what is done to a chat system by hand, a file for each command. Nothing here serves clients, and
//! nothing is told of a secret.

mod completions;
mod config;
mod counts;
mod dead;
mod demo;
mod migrate;
mod patience;
mod progress;
mod reindex;
mod restored;
mod text;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Looks after a chat system: makes its tables and its search index, checks them, and mends them.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
It reads the services' own settings: the file that CHAT_CONFIG names, then the environment (DATABASE_URL, REDIS_URL, AMQP_URL,
ELASTICSEARCH_URL), each when a command needs it. `chatctl check-config` prints what is in force.

Everything but `restored` may be done while the system runs and is used. A command that fails says why, and ends with a status
other than 0. docs/OPERATIONS.md tells what each prints, and what to do then.

First steps:
  chatctl migrate       once, before the services are started for the first time, and with each new version
  chatctl demo          see that all of it works
  chatctl verify        see that nothing that is stored is amiss";

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring the database and the search index to what this version expects; make them if they do not exist
    Migrate,
    /// Look after the counts of chats and messages
    #[command(subcommand)]
    Counts(counts::Command),
    /// Look at what could not be stored, store it after all, or let it go
    #[command(subcommand)]
    Dead(dead::Command),
    /// Make the search index anew, while the system runs and is searched
    Reindex(reindex::Options),
    /// Make numbering right after the database was put back to an older state, before the services are started
    Restored(restored::Options),
    /// Compare all that is stored with the search index and the counts, on the running system
    Verify(verify::Options),
    /// Print the settings in force, without passwords
    CheckConfig,
    /// Load the plays of Shakespeare into a running system, and check that all of it comes back
    Demo(demo::Options),
    /// Print what makes a shell complete this command's arguments
    Completions(completions::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Migrate => migrate::run().await,
        Command::Counts(command) => counts::run(command).await,
        Command::Dead(command) => dead::run(command).await,
        Command::Reindex(options) => reindex::run(&options).await,
        Command::Restored(options) => restored::run(&options).await,
        Command::Verify(options) => verify::run(&options).await,
        Command::CheckConfig => config::check(),
        Command::Demo(options) => demo::run(options).await,
        Command::Completions(options) => completions::print(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chatctl: {error:#}");
            ExitCode::FAILURE
        }
    }
}
