//! Stores a part of a batch in one transaction: rows, dead letters, the partition's epoch, the outbox row, dirty marks.
//!
//! The fast way inserts without looking. If a number turns out to be taken, that transaction is rolled back and another first
//! reads which events stand under the part's numbers. Both may be repeated at any time, after a commit whose answer was lost
//! too: an event that is stored asks for nothing. Retrying is the caller's.

use std::collections::HashSet;

use domain::{EventId, Timestamp};
use events::{Epoch, Partition};
use moka::sync::Cache;
use store::{Connection, Error, ErrorKind, Store, chats, counts, dead_letters, messages, outbox, partition_epochs, transaction};

use crate::{
    decode::{Entry, Subject},
    plan::{ChatKey, Plan, Taken},
};

/// Chats of which a partition remembers that they are stored. Chats are never deleted, so what it remembers stays true.
const KNOWN_CHATS: u64 = 100_000;

/// Stores the parts of one partition's batches.
pub(crate) struct Persister {
    store: Store,
    partition: Partition,
    known: Cache<ChatKey, ()>,
}

/// What a committed transaction stored.
#[derive(Debug)]
pub(crate) struct Stored<'a> {
    /// The rows and dead letters that were really added.
    pub(crate) plan: Plan<'a>,
    /// The outbox row, if there are messages to be indexed.
    pub(crate) outbox_id: Option<u64>,
}

/// How a transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Insert at once.
    Fast,
    /// Look at what is stored under the numbers first.
    Careful,
}

impl Persister {
    pub(crate) fn new(store: Store, partition: Partition) -> Self {
        Self { store, partition, known: Cache::new(KNOWN_CHATS) }
    }

    /// Stores the entries, and `epoch` as the partition's own if it is higher than what is stored. The outbox row comes due at
    /// `due_at`.
    ///
    /// # Errors
    /// Nothing was stored, or it cannot be told: then storing the same entries again is right. [`ErrorKind::Row`] means that an
    /// entry among them can never be stored; [`ErrorKind::Duplicate`] that another consumer stores the same ones just now.
    pub(crate) async fn store<'a>(
        &self,
        part: &'a [Entry],
        epoch: Option<Epoch>,
        due_at: Timestamp,
    ) -> Result<Stored<'a>, Error> {
        let mut connection = self.store.acquire().await?;
        let disputed = part.iter().any(|entry| matches!(entry.subject, Subject::Disputed(_)));
        if !disputed {
            match self.attempt(&mut connection, part, epoch, due_at, Way::Fast).await {
                Err(error) if error.kind() == ErrorKind::Duplicate => {}
                outcome => return outcome,
            }
        }
        self.attempt(&mut connection, part, epoch, due_at, Way::Careful).await
    }

    async fn attempt<'a>(
        &self,
        connection: &mut Connection,
        part: &'a [Entry],
        epoch: Option<Epoch>,
        due_at: Timestamp,
        way: Way,
    ) -> Result<Stored<'a>, Error> {
        let stored = transaction(connection, async |connection: &mut Connection| {
            let mut plan = Plan::of(part, &dismissed(connection, part).await?);
            if way == Way::Careful {
                let taken = taken(connection, &plan).await?;
                plan.yield_to(&taken);
                plan.settle_disputes(&taken);
            }
            insert(connection, &mut plan, |chat| self.known.contains_key(chat)).await?;
            if let Some(epoch) = epoch {
                partition_epochs::raise(connection, self.partition, epoch).await?;
            }
            let outbox_id = note(connection, &plan, due_at).await?;
            Ok::<_, Error>(Stored { plan, outbox_id })
        })
        .await?;
        self.remember(&stored.plan);
        Ok(stored)
    }

    /// To be called after the commit only.
    fn remember(&self, plan: &Plan<'_>) {
        plan.chats.iter().for_each(|chat| self.known.insert((chat.application_id, chat.number), ()));
        plan.chats_to_look_up(|chat| self.known.contains_key(chat)).into_iter().for_each(|chat| self.known.insert(chat, ()));
    }
}

/// Inserts the plan's rows; messages whose chat is neither stored nor among them, nor `known` to be stored, become dead letters
/// of the plan.
///
/// # Errors
/// Nothing of the plan was inserted but, it may be, its chats: to be rolled back, unless the plan holds a single item.
pub(crate) async fn insert(
    connection: &mut Connection,
    plan: &mut Plan<'_>,
    known: impl Fn(&ChatKey) -> bool,
) -> Result<(), Error> {
    chats::insert(connection, &plan.chats).await?;
    plan.forsake(&missing_chats(connection, plan, known).await?);
    messages::insert(connection, &plan.messages).await
}

/// Writes what goes with the rows that a plan inserted: its dead letters, the outbox row, whose key is returned, and the marks
/// for the count job.
///
/// # Errors
/// To be rolled back.
pub(crate) async fn note(connection: &mut Connection, plan: &Plan<'_>, due_at: Timestamp) -> Result<Option<u64>, Error> {
    dead_letters::add(connection, &plan.dead).await?;
    let outbox_id = add_to_outbox(connection, plan, due_at).await?;
    // Last, and sorted by key: the count job takes the same locks in the same order.
    let now = Timestamp::now();
    counts::mark_applications(connection, &plan.chats_added(), now).await?;
    counts::mark_chats(connection, &plan.messages_added(), now).await?;
    Ok(outbox_id)
}

/// The chats that messages of the plan need and that are not stored, those that it inserts itself apart.
async fn missing_chats(
    connection: &mut Connection,
    plan: &Plan<'_>,
    known: impl Fn(&ChatKey) -> bool,
) -> Result<HashSet<ChatKey>, Error> {
    let inserted: HashSet<ChatKey> = plan.chats.iter().map(|chat| (chat.application_id, chat.number)).collect();
    let unknown = plan.chats_to_look_up(|chat| inserted.contains(chat) || known(chat));
    if unknown.is_empty() {
        return Ok(HashSet::new());
    }
    let existing: HashSet<ChatKey> = chats::existing(connection, &unknown).await?.into_iter().collect();
    Ok(unknown.into_iter().filter(|chat| !existing.contains(chat)).collect())
}

/// Which events became dead letters earlier, whatever an operator has made of them since: what was stored by hand, or let go,
/// must not come to life once more. Normally there is none in the whole table, which is quickly seen.
pub(crate) async fn dismissed(connection: &mut Connection, part: &[Entry]) -> Result<HashSet<EventId>, Error> {
    if dead_letters::is_empty(connection).await? {
        return Ok(HashSet::new());
    }
    let events: Vec<_> = part.iter().filter_map(|entry| entry.subject.event_id()).collect();
    Ok(dead_letters::among(connection, &events).await?.into_iter().collect())
}

/// Which events are stored under the plan's numbers.
pub(crate) async fn taken(connection: &mut Connection, plan: &Plan<'_>) -> Result<Taken, Error> {
    let mut taken = Taken::new();
    for ((application_id, chat), event) in chats::stored_events(connection, &plan.chat_keys()).await? {
        taken.insert((application_id, chat, None), event);
    }
    for ((application_id, chat, message), event) in messages::stored_events(connection, &plan.message_keys()).await? {
        taken.insert((application_id, chat, Some(message)), event);
    }
    Ok(taken)
}

async fn add_to_outbox(connection: &mut Connection, plan: &Plan<'_>, due_at: Timestamp) -> Result<Option<u64>, Error> {
    let ranges = plan.ranges();
    if ranges.is_empty() {
        return Ok(None);
    }
    outbox::add(connection, &ranges, due_at, Timestamp::now()).await.map(Some)
}
