//! Who was told what: every create of the run, and whether its acknowledgement is kept.
//!
//! It compares with MySQL row by row. What it finds stored it need not look for again, so that it can ask often, under load; at
//! the end everything is compared once more.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
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

    /// Everything once more, when nothing is under way.
    pub(crate) async fn compare(&self, store: &Store, scenario: &Scenario) -> anyhow::Result<Comparison> {
        let mut conn = store.acquire().await?;
        let application = application(&mut conn, scenario).await?;
        let mut whole = Comparison::default();
        for (chat, number) in scenario.chats.iter().enumerate() {
            let mut stored = BTreeMap::new();
            let mut after = 0;
            loop {
                let rows = messages::scan(&mut conn, application, *number, after, CHUNK).await?;
                let Some(last) = rows.last() else { break };
                after = last.number.get();
                stored.extend(rows.iter().map(|row| (row.number.get(), row.body.as_str().to_owned())));
            }
            whole.add(&self.lock().compare(chat, &stored));
        }
        let inner = self.lock();
        whole.acknowledged = inner.tally.acknowledged;
        whole.doubled = inner.tally.doubled;
        Ok(whole)
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

    /// The step in which a number was given.
    fn step_of(&self, chat: usize, number: u64) -> usize {
        self.steps.partition_point(|highest| highest.get(&chat).is_none_or(|highest| *highest < number))
    }

    fn compare(&mut self, chat: usize, stored: &BTreeMap<u64, String>) -> Comparison {
        let highest = stored.keys().next_back().copied().unwrap_or(0);
        for gap in (1..highest).filter(|number| !stored.contains_key(number)) {
            let step = self.step_of(chat, gap);
            self.found.entry(step).or_default().gaps += 1;
        }
        let lost: Vec<u64> = self.chats.entry(chat).or_default().acknowledged.keys().copied().collect();
        for number in lost.into_iter().filter(|number| !stored.contains_key(number)) {
            let step = self.step_of(chat, number);
            self.found.entry(step).or_default().lost += 1;
        }
        let ledger = self.chats.entry(chat).or_default();
        let mut found = Comparison { stored: stored.len() as u64, ..Comparison::default() };
        let mut sentences = Vec::new();
        for (number, create) in &ledger.acknowledged {
            match stored.get(number) {
                None => {
                    found.lost += 1;
                    sentences.push(format!("number {number} of chat {chat}, acknowledged to {create}, is not stored"));
                }
                Some(body) if *body != text(create.sender, create.sequence) => {
                    found.changed += 1;
                    sentences.push(format!("number {number} of chat {chat}, acknowledged to {create}, holds \"{body}\""));
                }
                Some(_) => {}
            }
        }
        let bodies: HashSet<&str> = stored.values().map(String::as_str).collect();
        found.twice = (stored.len() - bodies.len()) as u64;
        found.gaps = highest - stored.len() as u64;
        let unknown = stored.keys().filter(|number| !ledger.acknowledged.contains_key(number)).count() as u64;
        // Each of them came of one create that failed.
        found.unexplained = (found.gaps + unknown).saturating_sub(ledger.failed);
        if found.unexplained > 0 {
            let Chat { failed, .. } = ledger;
            let gaps = found.gaps;
            sentences
                .push(format!("chat {chat} has {gaps} gaps and {unknown} messages of nobody's, and {failed} creates failed"));
        }
        if found.twice > 0 {
            sentences.push(format!("chat {chat} holds {} texts more than once", found.twice));
        }
        sentences.into_iter().for_each(|sentence| self.violation(sentence));
        found
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

/// What the comparison at the end found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) acknowledged: u64,
    pub(crate) stored: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) changed: u64,
    /// Stored under two numbers.
    pub(crate) twice: u64,
    /// Numbers without a message, below a chat's highest.
    pub(crate) gaps: u64,
    /// Gaps and messages of nobody's beyond the creates that failed.
    pub(crate) unexplained: u64,
}

impl Comparison {
    fn add(&mut self, other: &Comparison) {
        self.stored += other.stored;
        self.lost += other.lost;
        self.changed += other.changed;
        self.twice += other.twice;
        self.gaps += other.gaps;
        self.unexplained += other.unexplained;
    }

    pub(crate) fn violations(&self) -> u64 {
        self.lost + self.doubled + self.changed + self.twice + self.unexplained
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { acknowledged, stored, lost, doubled, changed, twice, gaps, unexplained } = self;
        write!(
            f,
            "{acknowledged} creates acknowledged, {stored} messages stored: {lost} lost, {doubled} doubled, {changed} changed, "
        )?;
        write!(f, "{twice} stored twice, {gaps} gaps, {unexplained} of them or of unknown messages not explained")
    }
}

impl fmt::Display for Create {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Create { sender: Sender { run, client }, sequence } = self;
        write!(f, "create {sequence} of client {client} in run {run}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(sequence: u32) -> Create {
        Create { sender: Sender { run: 1, client: 2 }, sequence }
    }

    fn body(sequence: u32) -> String {
        text(create(sequence).sender, sequence)
    }

    /// A ledger to which these numbers were acknowledged, and what it finds in these rows.
    fn found(acknowledged: &[(u64, u32)], failed: usize, stored: &[(u64, u32)]) -> Comparison {
        let ledger = Ledger::default();
        acknowledged.iter().for_each(|(number, sequence)| ledger.acknowledged(0, *number, create(*sequence)));
        (0..failed).for_each(|_| ledger.unanswered(0));
        let stored = stored.iter().map(|(number, sequence)| (*number, body(*sequence))).collect();
        let comparison = ledger.lock().compare(0, &stored);
        assert_eq!(comparison.violations() > 0, !ledger.violations().is_empty(), "{:?}", ledger.violations());
        comparison
    }

    #[test]
    fn what_is_stored_as_acknowledged_is_no_violation() {
        assert_eq!(found(&[(1, 1), (2, 2)], 0, &[(1, 1), (2, 2)]).violations(), 0);
    }

    #[test]
    fn a_missing_message_is_lost_and_another_text_is_changed() {
        let comparison = found(&[(1, 1), (2, 2), (3, 3)], 5, &[(1, 1), (3, 4)]);
        assert_eq!((comparison.lost, comparison.changed), (1, 1));
    }

    #[test]
    fn gaps_and_unknown_messages_are_explained_by_creates_that_failed() {
        // 2 is a gap, 4 came of a create without an answer.
        let (acknowledged, stored) = ([(1, 1), (3, 3)], [(1, 1), (3, 3), (4, 9)]);
        assert_eq!(found(&acknowledged, 2, &stored), Comparison { stored: 3, gaps: 1, ..Comparison::default() });
        assert_eq!(found(&acknowledged, 1, &stored).unexplained, 1);
    }

    #[test]
    fn one_text_under_two_numbers_is_stored_twice() {
        assert_eq!(found(&[(1, 1)], 1, &[(1, 1), (2, 1)]).twice, 1);
    }

    #[test]
    fn a_number_that_is_acknowledged_to_two_is_doubled() {
        let ledger = Ledger::default();
        ledger.acknowledged(0, 1, create(1));
        ledger.acknowledged(0, 1, create(2));
        assert_eq!(ledger.tally().doubled, 1);
        assert_eq!(ledger.violations().len(), 1);
    }

    #[test]
    fn what_is_missing_belongs_to_the_step_in_which_its_number_was_given() {
        let ledger = Ledger::default();
        ledger.acknowledged(0, 1, create(1));
        ledger.begin_step();
        ledger.acknowledged(0, 2, create(2));
        ledger.begin_step();
        ledger.acknowledged(0, 4, create(4));
        ledger.acknowledged(1, 1, create(5));
        ledger.lock().compare(0, &BTreeMap::from([(1, body(1)), (4, body(4))]));
        ledger.lock().compare(1, &BTreeMap::new());
        assert_eq!(ledger.found(0), Found::default());
        assert_eq!(ledger.found(1), Found { lost: 1, gaps: 1, ..Found::default() });
        // A chat that had nothing yet when the last step began.
        assert_eq!(ledger.found(2), Found { lost: 1, gaps: 1, ..Found::default() });
    }

    #[test]
    fn what_was_seen_is_pending_no_more_and_is_compared() {
        let ledger = Ledger::default();
        (1..=3).for_each(|number| ledger.acknowledged(0, number, create(number as u32)));
        ledger.seen(0, [(1, body(1).as_str()), (2, "another text"), (9, "of somebody")].into_iter());
        assert_eq!(ledger.pending().0, [(0, 3)]);
        assert_eq!(ledger.tally().changed, 1);
    }
}
