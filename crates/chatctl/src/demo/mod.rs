//! `chatctl demo`: the plays of Shakespeare through the whole system, seen as a client sees it.
//!
//! It speaks to the two ports and to nothing else, so it shows only what any client could see. Nothing of the plays is part of
//! this program: they are fetched.

mod archive;
mod compare;
mod fetch;
mod fragments;
mod heading;
mod load;
mod plays;
mod python;
mod report;
mod script;
mod searches;
mod sent;
mod waiting;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use client::Client;
use tokio::sync::oneshot;

use plays::Play;
use report::{Done, Report};

/// Chats that are looked at side by side: to look at what is there must not become a load of its own.
pub(crate) const READS_AT_ONCE: usize = 16;
/// As many entries as the api gives at once.
pub(crate) const PAGE: u64 = 100;
/// The time within which a request must have had a good answer. A server that is restarted must be back by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the system is, and how much to send.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where the api listens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    api: String,
    /// Where ingest listens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    ingest: String,
    /// Send only the first N plays
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    plays: Option<u64>,
    /// Creations at once
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4096))]
    concurrency: u64,
}

/// Sends the plays, waits until they are stored and searchable, compares, searches, and prints what it saw.
///
/// # Errors
/// When the system does not do its part in time, or shows anything else than what was sent.
pub(crate) async fn run(options: Options) -> Result<()> {
    let concurrency = usize::try_from(options.concurrency)?;
    let chosen = client::Options { patience: PATIENCE, connections: concurrency, ..client::Options::default() };
    let client = Client::new(&options.api, &options.ingest, chosen)?;
    let places = || format!("{} or {} is not healthy: is the system running (`make run`)?", options.api, options.ingest);
    client.check().await.with_context(places)?;
    let plays = fetch_plays(options.plays).await?;
    let report = try_out(&client, &plays, concurrency).await?;
    say::text(format_args!("{report}"))?;
    ensure!(report.differences.is_empty(), "the system does not show what was sent");
    Ok(())
}

async fn fetch_plays(at_most: Option<u64>) -> Result<Vec<Play>> {
    let package = fetch::package().await?;
    let mut plays = plays::read(&archive::texts(package.as_slice())?)?;
    if let Some(at_most) = at_most {
        plays.truncate(usize::try_from(at_most)?);
    }
    Ok(plays)
}

async fn try_out(client: &Client, plays: &[Play], concurrency: usize) -> Result<Report> {
    let (first, first_accepted) = oneshot::channel();
    let load = load::load(client, plays, concurrency, first);
    let (loaded, first_searchable) = tokio::try_join!(load, waiting::first_searchable(client, first_accepted))?;
    let mut applications = loaded.applications;
    let accepted = sent::chats(&applications).iter().map(|(_, chat)| chat.texts.len() as u64).sum();

    let stored = waiting::stored(client, &applications).await?;
    let stored_after = loaded.began.elapsed();
    let searchable = waiting::searchable(client, &applications).await?;
    let searchable_after = loaded.began.elapsed();
    let compared = compare::compare(client, &mut applications).await?;
    let searched = searches::search(client, &applications).await?;

    Ok(Report {
        plays: plays.len() as u64,
        scenes: sent::chats(&applications).len() as u64,
        speeches: plays.iter().flat_map(|play| &play.scenes).map(|scene| scene.speeches.len() as u64).sum(),
        accepted: Done { count: accepted, took: loaded.took },
        stored: Done { count: compared.same, took: stored_after },
        searchable: Done { count: searchable.shown, took: searchable_after },
        first_searchable,
        searches: searched.searches,
        hits: searched.hits,
        scanned: searched.scanned,
        retried: client.retried(),
        unsure: compared.unsure,
        differences: [stored.differences, searchable.differences, compared.differences, searched.differences].concat(),
    })
}
