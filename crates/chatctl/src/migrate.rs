//! `chatctl migrate`: everything that the services expect to find. May be run again at any time, and by several at once.

use anyhow::{Context, Result};
use say::say;
use search::SearchIndex;
use service::config;

use crate::config::Stores;

/// Makes the database and applies its migrations, then makes the index.
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
    let index = SearchIndex::connect(&settings.elasticsearch)?;
    index.ensure_index().await.context("the search index could not be made")?;
    say!("search index: ready");
    Ok(())
}

fn migrations(count: usize) -> String {
    if count == 1 { "1 migration".to_owned() } else { format!("{count} migrations") }
}
