//! `chatctl reindex`: makes the search index anew, from MySQL, while the system runs and is searched.
//!
//! A row in `reindexes` says so; from then on consumers write to both versions (see `store::reindexes` for why nothing is
//! missed). Then all messages are copied, then the outbox is waited for, then the alias is led to the new version in one step.
//! Whatever breaks it off, the same command goes on where it stood.

mod copy;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use domain::Timestamp;
use say::say;
use search::SearchIndex;
use service::config;
use store::{
    Store, outbox,
    reindexes::{self, Reindex},
};
use tokio::time::sleep;

use crate::{
    config::Stores,
    patience::patiently,
    text::{count, thousands},
};

/// The old version of a reindex that began where there was none in use.
const NONE: u32 = 0;
/// What processes agree on by.
const LOCK: &str = "reindex";
/// Searches and writes that went to the old version have ended by then.
const LAST_SEARCHES: Duration = Duration::from_secs(5);
/// An outbox whose first row stays for so long is moved by nobody.
const OUTBOX_TIME: Duration = Duration::from_secs(120);
const OUTBOX_EVERY: Duration = Duration::from_millis(200);

/// How to do it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Requests to the search server at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: u32,
    /// Keep the old version when the new one is in use
    #[arg(long)]
    keep_old: bool,
    /// Give up a reindex that was broken off: the version in use stays
    #[arg(long, conflicts_with_all = ["keep_old", "workers"])]
    abort: bool,
}

/// Does it, or goes on with it.
///
/// # Errors
/// When a server is away for too long, or the outbox is not moved: the same command goes on from there.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let settings: Stores = config::load(None)?;
    let store = Store::connect(&settings.mysql)?;
    let search = SearchIndex::connect(&settings.elasticsearch)?;
    let work = async { if options.abort { abort(&store, &search).await } else { reindex(&store, &search, options).await } };
    match store.with_lock(LOCK, work).await? {
        Some(outcome) => outcome,
        None => bail!("another process is at it"),
    }
}

async fn reindex(store: &Store, search: &SearchIndex, options: &Options) -> Result<()> {
    let reindex = match current(store).await? {
        Some(reindex) => {
            say!("going on with version {}, behind {}", reindex.version, messages(reindex.copied));
            reindex
        }
        None => begin(store, search).await?,
    };
    if in_use(search).await? != Some(reindex.version) {
        fill(store, search, reindex, options.workers).await?;
        search.lead_to(reindex.version).await.context("the alias could not be led to the new version")?;
        say!("version {} is in use", reindex.version);
    }
    finish(store, search, reindex, options.keep_old).await
}

async fn current(store: &Store) -> Result<Option<Reindex>> {
    patiently(async || Ok(reindexes::current(&mut *store.acquire().await?).await?)).await
}

/// The version that is searched. Where there is none, none is made but the new one, behind its own alias: an empty one would be
/// searched for as long as the copy takes.
async fn in_use(search: &SearchIndex) -> Result<Option<u32>> {
    match search.version().await {
        Err(search::Error::IndexMissing) => Ok(None),
        version => Ok(Some(version.context("the search index in use cannot be looked at")?)),
    }
}

/// From here on consumers write to the new version as well; until it is made they keep the outbox rows of what they write to the
/// one in use alone, and try again.
async fn begin(store: &Store, search: &SearchIndex) -> Result<Reindex> {
    search.forget_successor().await?;
    let old = in_use(search).await?.unwrap_or(NONE);
    let mut new = old + 1;
    while search.has_version(new).await? {
        new += 1;
    }
    reindexes::begin(&mut *store.acquire().await?, new, old, Timestamp::now()).await?;
    match old {
        NONE => say!("making version {new}; none is in use"),
        _ => say!("making version {new} beside version {old}"),
    }
    current(store).await?.context("the reindex was ended by somebody else")
}

/// Copies all messages, and waits until the new version has what the old one has.
async fn fill(store: &Store, search: &SearchIndex, reindex: Reindex, workers: u32) -> Result<()> {
    let from = start(store, search, reindex).await?;
    search.make_version(reindex.version).await.context("the new version could not be made")?;
    let (began, next) = (Instant::now(), search.successor());
    let copied = copy::copy(store, &next, from, workers).await?;
    let seconds = began.elapsed().as_secs_f64();
    let rate = (copied - from.copied) as f64 / seconds.max(0.001);
    say!("copied {} in {seconds:.1} s, {}/s", messages(copied), thousands(rate as u64));
    outbox_passed(store).await?;
    // What was copied shows before it is searched for.
    Ok(next.refresh().await?)
}

/// Where the copy goes on. What was copied to a version that is not there is gone with it, and that is noted before the version
/// is made anew: whoever finds it there, however soon this is broken off, finds the place that it stands at.
async fn start(store: &Store, search: &SearchIndex, reindex: Reindex) -> Result<Reindex> {
    if search.has_version(reindex.version).await? {
        return Ok(reindex);
    }
    let from = Reindex { place: (0, 0, 0), copied: 0, ..reindex };
    patiently(async || Ok(reindexes::advance(&mut *store.acquire().await?, from.id, from.place, from.copied).await?)).await?;
    Ok(from)
}

/// Waits until every row that was in the outbox has been relayed to both versions.
async fn outbox_passed(store: &Store) -> Result<()> {
    let ends = async || patiently(async || Ok(outbox::ends(&mut *store.acquire().await?).await?)).await;
    let Some((_, last)) = ends().await? else { return Ok(()) };
    let (mut moved, mut before) = (Instant::now(), None);
    loop {
        let Some((first, _)) = ends().await?.filter(|(first, _)| *first <= last) else { return Ok(()) };
        if before != Some(first) {
            (moved, before) = (Instant::now(), Some(first));
        }
        if moved.elapsed() > OUTBOX_TIME {
            bail!("nothing moves the outbox: is a consumer running, and what does it say? The same command goes on from here");
        }
        sleep(OUTBOX_EVERY).await;
    }
}

async fn finish(store: &Store, search: &SearchIndex, reindex: Reindex, keep_old: bool) -> Result<()> {
    if !keep_old && reindex.old_version != NONE {
        sleep(LAST_SEARCHES).await;
        search.remove_version(reindex.old_version).await.context("the old version could not be removed")?;
        say!("version {} is removed", reindex.old_version);
    }
    patiently(async || Ok(reindexes::end(&mut *store.acquire().await?, reindex.id).await?)).await?;
    Ok(search.forget_successor().await?)
}

async fn abort(store: &Store, search: &SearchIndex) -> Result<()> {
    let Some(reindex) = current(store).await? else { bail!("no reindex is under way") };
    if in_use(search).await? == Some(reindex.version) {
        bail!("version {} is in use already: the same command without --abort finishes", reindex.version);
    }
    // Consumers stop writing to it first; what they are about to write they try again, without it.
    reindexes::end(&mut *store.acquire().await?, reindex.id).await?;
    search.forget_successor().await?;
    search.remove_version(reindex.version).await?;
    match in_use(search).await? {
        Some(version) => say!("given up; version {version} stays in use"),
        None => say!("given up; none is in use"),
    }
    Ok(())
}

fn messages(number: u64) -> String {
    count(number, "message", "messages")
}
