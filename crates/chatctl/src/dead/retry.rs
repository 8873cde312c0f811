//! `chatctl dead retry`: stores letters after all, each in a transaction of its own. Says of each what became of it, and fails when
//! any of them is not stored now.

use anyhow::{Context, Result, bail};
use consumer::retry::retry;
use say::say;
use sequencer::Sequencer;
use service::config;
use store::{
    Store,
    dead_letters::{self, Filter, Reason},
};

use crate::{config::Letters, text::count};

/// Letters whose keys are read at once.
const PAGE: u32 = 1_000;

/// Which letters to try again.
#[derive(Debug, clap::Args)]
#[group(id = "which", required = true, multiple = false)]
pub(crate) struct Options {
    /// The letters' ids, as `dead list` shows them
    #[arg(value_name = "ID")]
    ids: Vec<u64>,
    /// All of this reason that nobody has dealt with
    #[arg(long, value_parser = super::reason)]
    reason: Option<Reason>,
    /// All that nobody has dealt with
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(options: &Options) -> Result<()> {
    let settings: Letters = config::load(None)?;
    let store = Store::connect(&settings.mysql)?;
    let sequencer = Sequencer::connect(&settings.redis)?;
    let ids = if options.ids.is_empty() { unresolved(&store, options.reason).await? } else { options.ids.clone() };
    let mut failed = 0;
    for &id in &ids {
        let retried = retry(&store, &sequencer, id).await.with_context(|| format!("letter {id} could not be tried"))?;
        failed += u64::from(!retried.is_stored());
        say!("{id}: {retried}");
    }
    say!("{} tried", count(ids.len() as u64, "letter", "letters"));
    if failed > 0 {
        bail!("{} not stored", count(failed, "letter is", "letters are"));
    }
    Ok(())
}

/// All keys before the first is tried: what a letter is split into is for the next time.
async fn unresolved(store: &Store, reason: Option<Reason>) -> Result<Vec<u64>> {
    let mut connection = store.acquire().await?;
    let mut ids: Vec<u64> = Vec::new();
    loop {
        let filter = Filter { reason, resolved_too: false, after: ids.last().copied().unwrap_or(0), limit: PAGE };
        let page = dead_letters::summaries(&mut connection, &filter).await?;
        ids.extend(page.iter().map(|letter| letter.id));
        if page.len() < PAGE as usize {
            return Ok(ids);
        }
    }
}
