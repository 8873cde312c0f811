//! `chatctl restored`: MySQL was put back to an older state, and Redis and RabbitMQ have gone on since.
//!
//! What MySQL has forgotten, the others may still name: applications and chats, the epochs of the numbering. None of these may come to
//! stand for something else. The command takes nothing from what is stored, and may be run again at any time.

use std::time::Duration;

use anyhow::{Context, Result};
use broker::Publisher;
use clap::Args;
use domain::{ApplicationId, Timestamp};
use events::Epoch;
use say::say;
use sequencer::{Adopted, Adoption, Counter, Sequencer};
use service::config;
use store::{Connection, Lookup, Store, applications, chats, epochs};
use tokio_util::sync::CancellationToken;

use crate::config::Numbers;

/// How long the broker may take to be connected to.
const BROKER_WITHIN: Duration = Duration::from_secs(10);

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
    let now = Timestamp::now().to_unix_millis().unsigned_abs();

    // No clock is trusted here to be right, only to have moved on since the last time.
    applications::pass_ids(&mut connection, ApplicationId::new(now)).await?;
    say!("applications: none will take the place of one that is gone");

    match sequencer.adopt().await.context("Redis cannot be asked")? {
        Adoption::Adopted(adopted) if !options.new_epoch => {
            let record = adopted.record();
            epochs::raise_to(&mut connection, record.epoch, &record.run_id).await?;
            let forgotten = forget(&mut connection, &sequencer, &adopted).await?;
            say!("epoch {}: goes on; the counters of {forgotten} chats and applications that are gone are removed", record.epoch);
        }
        shown => {
            let record = match shown {
                Adoption::Adopted(adopted) => Some(adopted.record().clone()),
                Adoption::NeedsEpoch { found, .. } => found,
            };
            let highest = record.map_or(0, |record| record.epoch.get()).max(now / 1_000);
            let highest = epochs::raise_to(&mut connection, Epoch::new(highest), "").await?;
            unbind_all(&settings.amqp).await?;
            say!("epochs: ingest will open one above {highest}; nothing of an earlier one is accepted any more");
        }
    }
    Ok(())
}

/// Removes the counters of what MySQL does not know (any more). One of a chat whose creation is still in the queue is seeded again.
async fn forget(connection: &mut Connection, sequencer: &Sequencer, adopted: &Adopted) -> Result<u64> {
    let (mut forgotten, mut from) = (0, Some(0));
    while let Some(place) = from {
        let counters = sequencer.counters(adopted, place).await?;
        for counter in counters.some {
            if !exists(connection, counter).await? {
                forgotten += u64::from(sequencer.forget(adopted, counter).await?);
            }
        }
        from = counters.next;
    }
    Ok(forgotten)
}

async fn exists(connection: &mut Connection, counter: Counter) -> Result<bool, store::Error> {
    Ok(match counter.chat {
        None => applications::id_of(connection, counter.token).await?.is_some(),
        Some(chat) => matches!(chats::locate(connection, counter.token, chat).await?, Lookup::Found(_)),
    })
}

async fn unbind_all(settings: &broker::Settings) -> Result<()> {
    let publisher = Publisher::start(settings, CancellationToken::new());
    publisher.connected(BROKER_WITHIN).await.context("RabbitMQ cannot be asked")?;
    publisher.unbind_all().await?;
    publisher.drain().await;
    Ok(())
}
