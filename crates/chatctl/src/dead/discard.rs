//! `chatctl dead discard`: lets letters go. The row stays, with number and event: neither may come back.

use anyhow::{Context, Result, bail, ensure};
use domain::Timestamp;
use say::say;
use store::{
    Connection,
    dead_letters::{self, Resolution},
    transaction,
};

use super::{connect, resolution};
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
    let mut connection = connect().await?;
    let mut failed = 0;
    for &id in &options.ids {
        let done = discard(&mut connection, id, options.erase).await.with_context(|| format!("letter {id}"))?;
        failed += u64::from(done.is_err());
        say!("{id}: {}", done.unwrap_or_else(|refusal| refusal));
    }
    if failed > 0 {
        bail!("{} not discarded", count(failed, "letter was", "letters were"));
    }
    Ok(())
}

/// What was done, or why nothing was.
async fn discard(connection: &mut Connection, id: u64, erase: bool) -> Result<Result<String, String>> {
    transaction(connection, async |connection: &mut Connection| {
        let Some(letter) = dead_letters::lock(connection, id).await? else {
            return Ok::<_, store::Error>(Err("there is no such letter".to_owned()));
        };
        let before = match letter.resolved {
            Some(resolved) if resolved.resolution == Resolution::Discarded => true,
            Some(resolved) => return Ok(Err(format!("left as it is: {}", resolution(Some(resolved))))),
            None => false,
        };
        if !before {
            dead_letters::resolve(connection, id, Resolution::Discarded, Timestamp::now()).await?;
        }
        if erase {
            dead_letters::erase_payload(connection, id).await?;
        }
        let done = if before { "discarded already" } else { "discarded" };
        Ok(Ok(if erase { format!("{done}; its payload is erased") } else { done.to_owned() }))
    })
    .await
    .map_err(Into::into)
}
