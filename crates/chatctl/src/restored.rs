//! `chatctl restored`: MySQL was put back to an older state, and Redis and RabbitMQ have gone on since. What keeps numbers apart
//! then is `numbering::restored`'s; here it is asked for, and told.

use anyhow::{Context, Result};
use clap::Args;
use numbering::restored::{Redis, Settled, pass_applications, settle_epochs};
use say::say;
use sequencer::Sequencer;
use service::config;
use store::Store;

use crate::config::Numbers;

/// How the database was put back.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Redis was put back or emptied, too: none of its counters is to be used, whatever it shows
    #[arg(long)]
    new_epoch: bool,
}

/// Does it.
///
/// # Errors
/// When a server is not there or refuses; the command is then to be run again.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let settings: Numbers = config::load(None)?;
    let store = Store::connect(&settings.mysql)?;
    let sequencer = Sequencer::connect(&settings.redis)?;
    let mut connection = store.acquire().await.context("the database cannot be asked")?;

    pass_applications(&mut connection).await?;
    say!("applications: none will take the place of one that is gone");

    let redis = if options.new_epoch { Redis::PutBack } else { Redis::WentOn };
    match settle_epochs(&mut connection, &sequencer, &settings.amqp, redis).await? {
        Settled::GoesOn { epoch, forgotten } => {
            say!("epoch {epoch}: goes on; the counters of {forgotten} chats and applications that are gone are removed");
        }
        Settled::Ended { highest } => {
            say!("epochs: ingest will open one above {highest}; nothing of an earlier one is accepted any more");
        }
    }
    Ok(())
}
