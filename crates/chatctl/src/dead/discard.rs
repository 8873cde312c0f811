//! `chatctl dead discard`: lets letters go.

use anyhow::{Context, Result, bail, ensure};
use consumer::discard::discard;
use say::say;

use super::store;
use crate::text::count;

/// Which letters, and how thoroughly.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The letters' ids, as `dead list` shows them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<u64>,
    /// Really do it: what a client was told is stored never will be
    #[arg(long)]
    yes: bool,
    /// Erase the payload as well; the letter can never be stored then
    #[arg(long)]
    erase: bool,
}

pub(super) async fn run(options: &Options) -> Result<()> {
    ensure!(options.yes, "nothing was discarded: look at the letters with `dead show`, then say --yes");
    let store = store()?;
    let mut failed = 0;
    for &id in &options.ids {
        let done = discard(&store, id, options.erase).await.with_context(|| format!("letter {id}"))?;
        failed += u64::from(!done.is_done());
        say!("{id}: {done}");
    }
    if failed > 0 {
        bail!("{} not discarded", count(failed, "letter was", "letters were"));
    }
    Ok(())
}
