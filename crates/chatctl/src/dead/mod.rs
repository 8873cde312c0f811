//! `chatctl dead`: the items that could not be stored. A letter's number was given to a client and stays taken, so nothing here
//! removes one: it is stored after all, or marked as let go.

mod discard;
mod list;
mod retry;
mod show;

use anyhow::{Context, Result};
use clap::Subcommand;
use service::config;
use store::{
    PooledConnection, Store,
    dead_letters::{Reason, Resolved},
};

use crate::config::Database;

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the dead letters that nobody has dealt with, a line each, without their texts
    List(list::Options),
    /// Show one with all that is known of it, its text included; for a conflict, beside what is stored
    Show(show::Options),
    /// Store what can be stored by now, as the consumer would have
    ///
    /// When the cause is mended. Again is harmless: what is stored already is told. It fails if anything that it tried is not
    /// stored.
    Retry(retry::Options),
    /// Mark as let go what will never be stored; the number stays taken, and the letter stays
    Discard(discard::Options),
}

/// Does it.
///
/// # Errors
/// When a server is not there or refuses, or a letter could not be dealt with as asked.
pub(crate) async fn run(command: Command) -> Result<()> {
    match command {
        Command::List(options) => list::run(&options).await,
        Command::Show(options) => show::run(&options).await,
        Command::Retry(options) => retry::run(&options).await,
        Command::Discard(options) => discard::run(&options).await,
    }
}

async fn connect() -> Result<PooledConnection> {
    store()?.acquire().await.context("MySQL cannot be reached")
}

fn store() -> Result<Store> {
    let settings: Database = config::load(None)?;
    Ok(Store::connect(&settings.mysql)?)
}

fn reason(name: &str) -> Result<Reason, String> {
    let names = || Reason::ALL.map(Reason::as_str).join(", ");
    Reason::parse(name).ok_or_else(|| format!("one of: {}", names()))
}

/// `stored at 2026-01-02T03:04:05.678Z`, or nothing.
fn resolution(resolved: Option<Resolved>) -> String {
    resolved.map(|resolved| format!("{} at {}", resolved.resolution.as_str(), resolved.at)).unwrap_or_default()
}
