//! Tries a dead letter again, for an operator: what it holds is read by today's reader and stored as the consumer stores, with
//! everything that goes with a row. The letter is locked meanwhile and resolved in the same transaction, so that it is stored
//! once, however often and by how many it is tried.
//!
//! # Whose number it is
//! A letter that names its number keeps it taken, so the item may still be stored under it if the row is free. The numbers in a
//! payload that nobody could read were known to no one: should Redis have lost its counters since, they may have been given
//! again. Such items are treated as stragglers are: the counter is raised to the number first, and where it stood as high already
//! the item becomes a conflict, a letter of its own, which names its number from then on.

use std::{collections::HashSet, slice, time::Duration};

use backoff::{Backoff, Bounds};
use domain::{EventId, Timestamp};
use events::{ENVELOPE_VERSION, Identity};
use sequencer::Sequencer;
use serde_json::value::RawValue;
use store::{
    Connection, ErrorKind, Store,
    dead_letters::{self, Reason, Resolution, Resolved, Stored as Letter},
    transaction,
};

use crate::{
    decode::{self, Content, Entry, Subject},
    letters, persist,
    plan::Plan,
    stragglers,
};

/// Attempts at a letter before its failure is told: others lock the same rows, but never for long.
const ATTEMPTS: usize = 6;
/// The waits between them.
const WAITS: Bounds = Bounds { min: Duration::from_millis(50), max: Duration::from_secs(1) };

/// What became of a letter that was tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// There is no letter with this key.
    Missing,
    /// Its payload was erased: there is nothing to store.
    Erased,
    /// It was resolved before; nothing was done.
    Before(Resolved),
    /// All that it holds is stored.
    Stored {
        /// Items that it holds.
        items: usize,
        /// Those among them that were stored just now; the others were stored before.
        new: usize,
    },
    /// Its items stand for themselves now: it is resolved, and they are not all stored.
    Split {
        /// Items that are stored.
        stored: usize,
        /// For each of the others, why it is a letter of its own.
        letters: Vec<String>,
    },
    /// It cannot be stored, and is as it was.
    Refused {
        /// Why.
        reason: Reason,
        /// More about why; names both events of a conflict.
        detail: String,
    },
}

/// Why a letter could not be tried. It is as it was, and may be tried again later. A counter in Redis may have been raised to one
/// of its numbers, though: then nobody else is given that number, but the next try cannot tell who has it, and makes the item a
/// conflict.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// MySQL failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// It could not be told whose the letter's numbers are.
    #[error("whose the letter's numbers are can only be told with Redis: {0}")]
    Number(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Tries the letter with this key again. `sequencer` is asked only where the letter does not name its number.
///
/// # Errors
/// [`Error`]; then nothing was changed in MySQL.
pub async fn retry(store: &Store, sequencer: &Sequencer, id: u64) -> Result<Retried, Error> {
    let mut backoff = Backoff::new(WAITS);
    // Decided once: a counter that was raised must not be asked again.
    let mut decided = None;
    for _ in 1..ATTEMPTS {
        match attempt(store, sequencer, id, &mut decided).await {
            Err(Error::Store(error)) if matches!(error.kind(), ErrorKind::Transient | ErrorKind::Duplicate) => {
                backoff.wait().await;
            }
            outcome => return outcome,
        }
    }
    attempt(store, sequencer, id, &mut decided).await
}

async fn attempt(store: &Store, sequencer: &Sequencer, id: u64, decided: &mut Option<Vec<Entry>>) -> Result<Retried, Error> {
    let mut connection = store.acquire().await?;
    transaction(&mut connection, async |connection: &mut Connection| {
        let Some(letter) = dead_letters::lock(connection, id).await? else { return Ok(Retried::Missing) };
        if let Some(resolved) = letter.resolved.filter(|resolved| resolved.resolution != Resolution::Discarded) {
            return Ok(Retried::Before(resolved));
        }
        if letter.letter.payload.is_empty() && letter.resolved.is_some() {
            return Ok(Retried::Erased);
        }
        if decided.is_none() {
            match read(store, sequencer, &letter).await? {
                Ok(entries) => *decided = Some(entries),
                Err(refused) => return Ok(refused),
            }
        }
        store_all(connection, &letter, decided.as_deref().unwrap_or_default()).await
    })
    .await
}

/// What the letter holds, with every doubt about numbers settled; or why it cannot be read.
async fn read(store: &Store, sequencer: &Sequencer, letter: &Letter) -> Result<Result<Vec<Entry>, Retried>, Error> {
    let is_payload = letter.letter.reason == Reason::UndecodablePayload;
    let payload = &letter.letter.payload;
    let content = if is_payload { decode::read(payload) } else { read_item(payload) };
    let mut entries = match content {
        Content::Items(entries) => entries,
        Content::Unreadable(entry) => vec![*entry],
        // It asked for nothing but an answer, and nobody waits for that any more.
        Content::Fence(_) => return Ok(Ok(Vec::new())),
    };
    if let [Entry { subject: Subject::Dead(dead), .. }] = entries.as_slice()
        && (!is_payload || dead.reason == Reason::UndecodablePayload)
    {
        return Ok(Err(Retried::Refused { reason: dead.reason, detail: dead.detail.clone() }));
    }
    if !names_its_number(letter, &entries) {
        decide(store, sequencer, &mut entries).await.map_err(|error| match error {
            stragglers::Error::Store(error) => Error::Store(error),
            error => Error::Number(error.into()),
        })?;
    }
    Ok(Ok(entries))
}

/// A single item, as it stands in an envelope; of no known epoch.
fn read_item(payload: &[u8]) -> Content {
    let Ok(item) = serde_json::from_slice::<&RawValue>(payload) else { return decode::read(payload) };
    let envelope = format!(r#"{{"v":{ENVELOPE_VERSION},"kind":"items","epoch":0,"items":[{item}]}}"#);
    match decode::read(envelope.as_bytes()) {
        Content::Items(entries) => Content::Items(entries.into_iter().map(|entry| Entry { epoch: None, ..entry }).collect()),
        other => other,
    }
}

/// Whether the letter has kept its item's number taken.
fn names_its_number(letter: &Letter, entries: &[Entry]) -> bool {
    let named = letter.letter.identity;
    let [Entry { subject: Subject::Item(item), .. }] = entries else { return false };
    let own = Identity::from(item);
    (named.application_id, named.chat, named.message) == (own.application_id, own.chat, own.message)
}

/// What is of the epoch in which numbers are given now has its number for its own; all else must ask.
async fn decide(store: &Store, sequencer: &Sequencer, entries: &mut [Entry]) -> Result<(), stragglers::Error> {
    let current = stragglers::current_epoch(sequencer).await?;
    for entry in entries.iter_mut() {
        if let Subject::Item(item) = &entry.subject
            && entry.epoch.is_none_or(|epoch| epoch < current)
        {
            entry.subject = Subject::Straggler(item.clone());
        }
    }
    stragglers::decide(sequencer, store, entries, current).await
}

/// Stores the entries one by one, so that one which cannot be stored keeps no other out, and resolves the letter.
async fn store_all(connection: &mut Connection, letter: &Letter, entries: &[Entry]) -> Result<Retried, Error> {
    // An item that is this very letter is not dismissed by it.
    let alone = letter.letter.reason != Reason::UndecodablePayload;
    let dismissed = if alone { HashSet::new() } else { persist::dismissed(connection, entries).await? };
    let (mut all, mut stored, mut letters) = (Plan::default(), 0, Vec::new());
    for entry in entries {
        let (plan, outcome) = store_one(connection, entry, &dismissed).await?;
        match outcome {
            One::Stored => stored += 1,
            One::Letter(why) => letters.push(why),
        }
        all.absorb(plan);
    }
    let names_number = alone && names_its_number(letter, entries);
    if let (true, Some(dead)) = (names_number, all.dead.first()) {
        return Ok(Retried::Refused { reason: dead.reason, detail: dead.detail.clone() });
    }
    let now = Timestamp::now();
    let new = all.chats.len() + all.messages.len();
    persist::note(connection, &all, now).await?;
    if letters.is_empty() {
        dead_letters::resolve(connection, letter.id, Resolution::Stored, now).await?;
        return Ok(Retried::Stored { items: entries.len(), new });
    }
    dead_letters::resolve(connection, letter.id, Resolution::Split, now).await?;
    Ok(Retried::Split { stored, letters })
}

/// What became of one item.
enum One {
    Stored,
    Letter(String),
}

async fn store_one<'a>(
    connection: &mut Connection,
    entry: &'a Entry,
    dismissed: &HashSet<EventId>,
) -> Result<(Plan<'a>, One), Error> {
    let mut plan = Plan::of(slice::from_ref(entry), &HashSet::new());
    let taken = persist::taken(connection, &plan).await?;
    plan.yield_to(&taken);
    plan.settle_disputes(&taken);
    let unstored = plan.chats.len() + plan.messages.len() + plan.dead.len() > 0;
    if let Some(item) = entry.subject.item().filter(|item| unstored && dismissed.contains(&item.event_id())) {
        return Ok((Plan::default(), One::Letter(format!("event {} is a dead letter of its own already", item.event_id()))));
    }
    match persist::insert(connection, &mut plan, |_| false).await {
        Err(error) if error.kind() == ErrorKind::Row => {
            let dead = entry.subject.item().map(|item| letters::rejected(item, &error)).into_iter().collect();
            plan = Plan { dead, ..Plan::default() };
        }
        outcome => outcome?,
    }
    let outcome = match plan.dead.first() {
        Some(dead) => One::Letter(format!("{}: {}", dead.reason.as_str(), dead.detail)),
        None => One::Stored,
    };
    Ok((plan, outcome))
}
