//! What MySQL tells: the outbox, dead letters, epochs. Only what has an index is asked for, and counted up to a limit: it is
//! asked every second while somebody watches.

use domain::Timestamp;
use store::{
    Error, Store,
    dead_letters::{self, Filter, MAX_UNRESOLVED, Reason, Summary},
    epochs, outbox, partition_epochs,
};

use crate::snapshot::{Epoch, Letter, Letters, Outbox};

/// Letters that are listed.
const LETTERS: usize = 50;
/// Epochs that are listed.
const EPOCHS: u32 = 12;

/// All of it.
pub(crate) struct Stored {
    pub(crate) outbox: Outbox,
    pub(crate) letters: Letters,
    pub(crate) epochs: Vec<Epoch>,
    /// The highest epoch that each partition's queue has shown.
    pub(crate) partitions: Vec<(u16, u64)>,
}

/// Asks.
///
/// # Errors
/// Any [`Error`].
pub(crate) async fn ask(store: &Store) -> Result<Stored, Error> {
    let mut connection = store.acquire().await?;
    let rows = outbox::depth(&mut connection).await?;
    let oldest = outbox::oldest(&mut connection).await?;
    let (mut unresolved, mut listed) = (Vec::with_capacity(Reason::ALL.len()), Vec::new());
    for reason in Reason::ALL {
        let count = dead_letters::unresolved(&mut connection, reason, None).await?;
        unresolved.push((reason.as_str(), count));
        if count > 0 {
            // One reason at a time: of those the index has the keys in their order, and of all together it has not.
            let filter = Filter { reason: Some(reason), resolved_too: false, after: 0, limit: LETTERS as u32 + 1 };
            listed.append(&mut dead_letters::summaries(&mut connection, &filter).await?);
        }
    }
    listed.sort_unstable_by_key(|summary| summary.id);
    let opened = epochs::history(&mut connection, EPOCHS).await?;
    let partitions = partition_epochs::all(&mut connection).await?;
    Ok(Stored {
        outbox: Outbox { rows, most: outbox::MAX_DEPTH, oldest: oldest.map(age) },
        letters: Letters {
            unresolved,
            most: MAX_UNRESOLVED,
            are_more: listed.len() > LETTERS,
            list: listed.into_iter().take(LETTERS).map(letter).collect(),
        },
        epochs: opened.into_iter().map(epoch).collect(),
        partitions: partitions.into_iter().map(|(partition, epoch)| (partition, epoch.get())).collect(),
    })
}

/// In seconds. What is dated by a clock that is ahead is new.
fn age(moment: Timestamp) -> f64 {
    (Timestamp::now().to_unix_millis() - moment.to_unix_millis()).max(0) as f64 / 1000.0
}

fn letter(summary: Summary) -> Letter {
    let identity = &summary.identity;
    Letter {
        id: summary.id,
        reason: summary.reason.as_str(),
        application: identity.application_id.map(|id| id.get()),
        chat: identity.chat.map(|number| number.get()),
        message: identity.message.map(|number| number.get()),
        event: identity.event_id.map(|event| event.to_string()),
        bytes: summary.payload_bytes,
        at: summary.created_at,
        detail: summary.detail,
    }
}

fn epoch(opened: epochs::Opened) -> Epoch {
    Epoch { number: opened.epoch.get(), reason: opened.reason, opened_at: opened.opened_at, is_closed: opened.closed }
}
