//! The operator's command: what is done to a chat system by hand, a file for each command. Nothing here serves clients, and
//! nothing is told of a secret.

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

/// Looks after a chat system.
///
/// Settings are the services' own: the file that CHAT_CONFIG names and the environment, such as DATABASE_URL.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

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
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chatctl: {error:#}");
            ExitCode::FAILURE
        }
    }
}
