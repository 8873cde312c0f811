//! `chatctl migrate`: everything that the services expect to find. May be run again at any time, and by several at once. Must
//! never put an empty search index in the place of one that was lost.

use anyhow::{Context, Result};
use say::say;
use search::SearchIndex;
use service::config;
use store::{Store, messages};

use crate::{config::Stores, patience::patiently};

/// Makes the database and applies its migrations, then makes the index of an installation that has no messages yet.
///
/// # Errors
/// When a server is not there or refuses; what was done before it stays done.
pub(crate) async fn run() -> Result<()> {
    let settings: Stores = config::load(None)?;
    let applied = store::migrate(&settings.mysql).await.context("the database could not be migrated")?;
    match applied.versions.as_slice() {
        [] => say!("database: up to date"),
        versions => say!("database: applied {} ({})", migrations(versions.len()), versions.join(", ")),
    }
    let (store, search) = (Store::connect(&settings.mysql)?, SearchIndex::connect(&settings.elasticsearch)?);
    if patiently(async || Ok(messages::is_empty(&mut *store.acquire().await?).await?)).await? {
        search.ensure_index().await.context("the search index could not be made")?;
    } else if is_lost(&search).await? {
        // No failure: the services work without it, and it is made with them running.
        say!("search index: missing, though messages are stored; start the services, then `chatctl reindex` makes it from them");
        return Ok(());
    }
    say!("search index: ready");
    Ok(())
}

/// Whether there is none where there must be one. A server that does not answer yet, or not for all of it, is waited for: it says
/// nothing of what is lost.
async fn is_lost(search: &SearchIndex) -> Result<bool> {
    match patiently(async || Ok(search.check().await?)).await {
        Err(error) if matches!(error.downcast_ref(), Some(search::Error::IndexMissing)) => Ok(true),
        looked => looked.map(|()| false).context("the search index does not serve"),
    }
}

fn migrations(count: usize) -> String {
    if count == 1 { "1 migration".to_owned() } else { format!("{count} migrations") }
}
