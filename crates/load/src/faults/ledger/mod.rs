//! Who was told what: every create of the run, and whether its acknowledgement is kept.
//!
//! It compares with MySQL row by row. What it finds stored it need not look for again, so that it can ask often, under load; at
//! the end everything is compared once more, see [`comparison`].

mod comparison;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use domain::ApplicationId;
use store::{Store, applications, messages};

use crate::scenario::{Scenario, Sender, text};

/// Rows read at a time.
const CHUNK: u32 = 5_000;
/// Violations that are written out; the others are counted.
const SHOWN: usize = 20;

/// One create, by who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Create {
    pub(crate) sender: Sender,
    pub(crate) sequence: u32,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Ledger {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    chats: BTreeMap<usize, Chat>,
    tally: Tally,
    violations: Vec<String>,
    /// The highest acknowledged number of each chat when each step began.
    steps: Vec<BTreeMap<usize, u64>>,
    found: BTreeMap<usize, Found>,
}

/// What was found of one step's numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) gaps: u64,
}

#[derive(Default)]
struct Chat {
    acknowledged: BTreeMap<u64, Create>,
    /// Acknowledged, and not seen in MySQL yet.
    pending: BTreeSet<u64>,
    /// Creates that were refused, or had no answer: each may have left a number without a message, or a message of which nobody
    /// knows.
    failed: u64,
}

/// What clients were told so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) acknowledged: u64,
    pub(crate) refused: u64,
    pub(crate) unanswered: u64,
    pub(crate) doubled: u64,
    /// Stored under the acknowledged number, with another text.
    pub(crate) changed: u64,
}

impl Ledger {
    pub(crate) fn acknowledged(&self, chat: usize, number: u64, create: Create) {
        let mut inner = self.lock();
        inner.tally.acknowledged += 1;
        let ledger = inner.chats.entry(chat).or_default();
        ledger.pending.insert(number);
        if let Some(before) = ledger.acknowledged.insert(number, create) {
            inner.tally.doubled += 1;
            let step = inner.steps.len();
            inner.found.entry(step).or_default().doubled += 1;
            inner.violation(format!("number {number} of chat {chat} was acknowledged to {before} and to {create}"));
        }
    }

    pub(crate) fn refused(&self, chat: usize) {
        let mut inner = self.lock();
        inner.tally.refused += 1;
        inner.chats.entry(chat).or_default().failed += 1;
    }

    pub(crate) fn unanswered(&self, chat: usize) {
        let mut inner = self.lock();
        inner.tally.unanswered += 1;
        inner.chats.entry(chat).or_default().failed += 1;
    }

    /// What is acknowledged from now on is another step's. Steps count from 1.
    pub(crate) fn begin_step(&self) {
        let mut inner = self.lock();
        let highest = |chat: &Chat| chat.acknowledged.keys().next_back().copied().unwrap_or(0);
        let step = inner.chats.iter().map(|(chat, ledger)| (*chat, highest(ledger))).collect();
        inner.steps.push(step);
    }

    /// What the comparison at the end found of a step's numbers.
    pub(crate) fn found(&self, step: usize) -> Found {
        self.lock().found.get(&step).copied().unwrap_or_default()
    }

    pub(crate) fn tally(&self) -> Tally {
        self.lock().tally
    }

    /// What was violated so far, in words.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    /// What is acknowledged now and was not seen in MySQL yet.
    pub(crate) fn pending(&self) -> Pending {
        let inner = self.lock();
        Pending(inner.chats.iter().flat_map(|(chat, ledger)| ledger.pending.iter().map(|number| (*chat, *number))).collect())
    }

    /// Looks which of these are stored now, and leaves those that are not.
    pub(crate) async fn settle(&self, pending: &mut Pending, store: &Store, scenario: &Scenario) -> anyhow::Result<()> {
        let mut conn = store.acquire().await?;
        let application = application(&mut conn, scenario).await?;
        let mut from: BTreeMap<usize, u64> = BTreeMap::new();
        for (chat, number) in &pending.0 {
            let lowest = from.entry(*chat).or_insert(*number);
            *lowest = (*lowest).min(*number);
        }
        for (chat, lowest) in from {
            let mut after = lowest - 1;
            loop {
                let rows = messages::scan(&mut conn, application, scenario.chats[chat], after, CHUNK).await?;
                let Some(last) = rows.last() else { break };
                after = last.number.get();
                self.seen(chat, rows.iter().map(|row| (row.number.get(), row.body.as_str())));
            }
        }
        let inner = self.lock();
        pending.0.retain(|(chat, number)| inner.chats.get(chat).is_some_and(|ledger| ledger.pending.contains(number)));
        Ok(())
    }

    /// Compares rows with what was acknowledged.
    fn seen<'a>(&self, chat: usize, rows: impl Iterator<Item = (u64, &'a str)>) {
        let mut inner = self.lock();
        for (number, body) in rows {
            let ledger = inner.chats.entry(chat).or_default();
            if !ledger.pending.remove(&number) {
                continue;
            }
            let create = ledger.acknowledged.get(&number).copied();
            if let Some(create) = create.filter(|create| text(create.sender, create.sequence) != body) {
                inner.tally.changed += 1;
                inner.violation(format!("number {number} of chat {chat} was acknowledged to {create} and holds \"{body}\""));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn violation(&mut self, sentence: String) {
        if self.violations.len() < SHOWN {
            self.violations.push(sentence);
        }
    }
}

async fn application(conn: &mut store::Connection, scenario: &Scenario) -> anyhow::Result<ApplicationId> {
    applications::id_of(conn, scenario.token).await?.context("the application is gone")
}

/// Chats and numbers that are looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pending(Vec<(usize, u64)>);

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Create {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Create { sender: Sender { run, client }, sequence } = self;
        write!(f, "create {sequence} of client {client} in run {run}")
    }
}
