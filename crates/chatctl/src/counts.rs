//! `chatctl counts`: the counts of chats and messages, which the consumer brings up to date once an hour.

use anyhow::{Context, Result};
use clap::Subcommand;
use consumer::counts::Counted;
use say::say;
use service::config;
use store::Store;

use crate::config::Database;

/// What to do with the counts.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring the counts up to date now
    ///
    /// Consumers do it once an hour. It waits for no batch that is being stored, and holds nobody up.
    Run,
}

/// Does it.
///
/// # Errors
/// When the database is not there or refuses; the rest of the work is left to the next run.
pub(crate) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Run => count().await,
    }
}

async fn count() -> Result<()> {
    let settings: Database = config::load(None)?;
    let store = Store::connect(&settings.mysql)?;
    match consumer::counts::run(&store).await.context("the counts could not be brought up to date")? {
        Counted::Marks(0) => say!("counts: up to date"),
        Counted::Marks(marks) => say!("counts: brought up to date for {marks} chats and applications"),
        Counted::Elsewhere => say!("counts: another process is bringing them up to date"),
    }
    Ok(())
}
