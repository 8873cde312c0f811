//! MySQL was put back to an older state, and Redis and RabbitMQ have gone on since.
//!
//! What MySQL has forgotten, the others may still name: applications and chats, the epochs of the numbering. None of these may
//! come to stand for something else. Nothing here may take anything from what is stored, and all of it may be done again at any
//! time.

use std::time::Duration;

use broker::Publisher;
use domain::{ApplicationId, Timestamp};
use events::Epoch;
use sequencer::{Adopted, Adoption, Counter, Sequencer};
use store::{Connection, Lookup, applications, chats, epochs};
use tokio_util::sync::CancellationToken;

/// How long the broker may take to be connected to.
const BROKER_WITHIN: Duration = Duration::from_secs(10);

/// What became of Redis meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redis {
    /// It has gone on.
    WentOn,
    /// It was put back or emptied too: none of its counters is to be used, whatever it shows.
    PutBack,
}

/// What became of the epoch that Redis shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It goes on.
    GoesOn {
        /// Which it is.
        epoch: Epoch,
        /// So many counters, of chats and applications that are gone, were removed.
        forgotten: u64,
    },
    /// It has ended: whoever gives numbers opens another one.
    Ended {
        /// Above this one.
        highest: Epoch,
    },
}

/// Why it is not done. It is then to be done again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// MySQL failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Redis failed.
    #[error("Redis cannot be asked")]
    Redis(#[from] sequencer::Error),
    /// RabbitMQ failed.
    #[error("RabbitMQ cannot be asked")]
    Rabbitmq(#[from] broker::Error),
}

/// Lets no application that is made from now on take the place of one that is gone.
///
/// # Errors
/// When MySQL fails.
pub async fn pass_applications(connection: &mut Connection) -> Result<(), Error> {
    Ok(applications::pass_ids(connection, ApplicationId::new(unix_millis())).await?)
}

/// Lets no number be given that may stand for something else: the epoch that Redis shows goes on without the counters of what is
/// gone, or it ends, and the next one is higher than all that were ever opened.
///
/// # Errors
/// [`Error`].
pub async fn settle_epochs(
    connection: &mut Connection,
    sequencer: &Sequencer,
    broker: &broker::Settings,
    redis: Redis,
) -> Result<Settled, Error> {
    let found = match sequencer.adopt().await? {
        Adoption::Adopted(adopted) if redis == Redis::WentOn => {
            let record = adopted.record();
            epochs::raise_to(connection, record.epoch, &record.run_id).await?;
            let forgotten = forget(connection, sequencer, &adopted).await?;
            return Ok(Settled::GoesOn { epoch: record.epoch, forgotten });
        }
        Adoption::Adopted(adopted) => Some(adopted.record().clone()),
        Adoption::NeedsEpoch { found, .. } => found,
    };
    let highest = found.map_or(0, |record| record.epoch.get()).max(unix_millis() / 1_000);
    let highest = epochs::raise_to(connection, Epoch::new(highest), "").await?;
    unbind_all(broker).await?;
    Ok(Settled::Ended { highest })
}

/// No clock is trusted here to be right, only to have moved on since the last time.
fn unix_millis() -> u64 {
    Timestamp::now().to_unix_millis().unsigned_abs()
}

/// Removes the counters of what MySQL does not know (any more). One of a chat whose creation is still in the queue is seeded
/// again.
async fn forget(connection: &mut Connection, sequencer: &Sequencer, adopted: &Adopted) -> Result<u64, Error> {
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

async fn unbind_all(settings: &broker::Settings) -> Result<(), broker::Error> {
    let publisher = Publisher::start(settings, CancellationToken::new());
    publisher.connected(BROKER_WITHIN).await?;
    publisher.unbind_all().await?;
    publisher.drain().await;
    Ok(())
}
