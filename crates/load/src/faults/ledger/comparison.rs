//! The comparison at the end: every row with every answer, and every gap with the creates that failed.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};

use store::{Store, messages};

use super::{CHUNK, Chat, Inner, Ledger, application};
use crate::scenario::{Scenario, text};

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

impl Ledger {
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
}

impl Inner {
    /// The step in which a number was given.
    fn step_of(&self, chat: usize, number: u64) -> usize {
        self.steps.partition_point(|highest| highest.get(&chat).is_none_or(|highest| *highest < number))
    }

    pub(super) fn compare(&mut self, chat: usize, stored: &BTreeMap<u64, String>) -> Comparison {
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
