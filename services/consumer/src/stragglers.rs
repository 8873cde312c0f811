//! Items of an earlier epoch than their partition's. A single broker never delivers one; in a cluster a node can learn of an
//! unbinding a moment late, so that one slips in behind a fence (see `docs/adr/0001-epochs-and-fences.md`).
//!
//! The present epoch may have given a straggler's number to another. So the counter is raised to the number first: if it was
//! below (or missing), the number is the straggler's own from now on; else the item is disputed, and never inserted. No epoch is
//! opened here: that is for those who give numbers.

use std::collections::HashMap;

use domain::{ApplicationId, ApplicationToken};
use events::{Epoch, Item};
use sequencer::{Adopted, Adoption, Raise, Sequencer};
use store::{Store, applications};

use crate::{
    decode::{Entry, Subject},
    meters,
};

/// Why it could not be told whose a number is. All of these pass: what failed is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The counters cannot be reached.
    #[error("a straggler's counter could not be raised")]
    Sequencer(#[from] sequencer::Error),
    /// The application's token could not be read.
    #[error("a straggler's application could not be read")]
    Store(#[from] store::Error),
    /// Redis has no epoch to adopt, or shows an older one than the queue.
    #[error("Redis shows no epoch in which a straggler's counter could be raised")]
    NoEpoch,
}

/// Decides whose numbers the stragglers among the entries carry. What is decided stays so when a later one fails: a counter that
/// was raised must not be asked again, or it would dispute its own number. `current` is the partition's epoch.
pub(crate) async fn decide(sequencer: &Sequencer, store: &Store, entries: &mut [Entry], current: Epoch) -> Result<(), Error> {
    if !entries.iter().any(is_straggler) {
        return Ok(());
    }
    let adopted = adopt(sequencer, current).await?;
    let tokens = tokens(store, entries).await?;
    for entry in entries {
        let Subject::Straggler(item) = &entry.subject else { continue };
        let own = match tokens.get(&item.application_id()) {
            Some(token) => raise(sequencer, &adopted, *token, item).await? != Raise::NotBelow,
            // No such application is stored, so no epoch has a counter for it.
            None => true,
        };
        let item = item.clone();
        tracing::warn!(own, item = %item.event_id(), request_id = item.request_id(), "an item of an earlier epoch came late");
        meters::stragglers(if own { "own" } else { "disputed" }, 1);
        entry.subject = if own { Subject::Item(item) } else { Subject::Disputed(item) };
    }
    Ok(())
}

/// The epoch in which numbers are given now.
pub(crate) async fn current_epoch(sequencer: &Sequencer) -> Result<Epoch, Error> {
    Ok(adopt(sequencer, Epoch::new(0)).await?.record().epoch)
}

fn is_straggler(entry: &Entry) -> bool {
    matches!(entry.subject, Subject::Straggler(_))
}

async fn adopt(sequencer: &Sequencer, current: Epoch) -> Result<Adopted, Error> {
    match sequencer.adopt().await? {
        // An older epoch than what the queue has shown is a server that was left behind.
        Adoption::Adopted(adopted) if adopted.record().epoch >= current => Ok(adopted),
        Adoption::Adopted(_) | Adoption::NeedsEpoch { .. } => Err(Error::NoEpoch),
    }
}

async fn tokens(store: &Store, entries: &[Entry]) -> Result<HashMap<ApplicationId, ApplicationToken>, Error> {
    let mut ids: Vec<_> = entries
        .iter()
        .filter_map(|entry| if let Subject::Straggler(item) = &entry.subject { Some(item.application_id()) } else { None })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let mut connection = store.acquire().await?;
    Ok(applications::find_by_ids(&mut connection, &ids).await?.into_iter().collect())
}

async fn raise(
    sequencer: &Sequencer,
    adopted: &Adopted,
    token: ApplicationToken,
    item: &Item,
) -> Result<Raise, sequencer::Error> {
    match item {
        Item::Chat(chat) => sequencer.raise_chats(adopted, token, chat.number).await,
        Item::Message(message) => sequencer.raise_messages(adopted, token, message.chat, message.number).await,
    }
}
