//! `chatctl dead retry`: stores letters after all, each in a transaction of its own. Says of each what became of it, also when it
//! could not be tried, and fails when any of them is not stored now. No letter must keep it from those behind.

use anyhow::{Error, Result, bail};
use consumer::retry::{self, Retried, retry};
use say::say;
use sequencer::Sequencer;
use service::config;
use store::{
    ErrorKind, Store,
    dead_letters::{self, Filter, Reason},
};

use crate::{config::Letters, text::count};

/// Letters whose keys are read at once.
const PAGE: u32 = 1_000;

/// So many letters in a row that MySQL's state kept from being tried (each several times): then it would keep all others, too.
const GIVE_UP_AFTER: usize = 3;

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
    let (mut failed, mut unavailable) = (0, 0);
    for &id in &ids {
        let outcome = retry(&store, &sequencer, id).await;
        let is_unavailable = |error: &store::Error| error.kind() == ErrorKind::Transient;
        unavailable = match &outcome {
            Err(retry::Error::Store(error)) if is_unavailable(error) => unavailable + 1,
            _ => 0,
        };
        failed += u64::from(!outcome.as_ref().is_ok_and(Retried::is_stored));
        match outcome {
            Ok(retried) => say!("{id}: {retried}"),
            Err(error) if unavailable == GIVE_UP_AFTER => {
                return Err(Error::from(error).context(format!("letter {id} and those behind it could not be tried")));
            }
            Err(error) => say!("{id}: could not be tried: {:#}", Error::from(error)),
        }
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
