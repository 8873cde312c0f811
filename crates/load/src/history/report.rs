//! What the check found: figures, and each violation with the events that show it, as many as a person can read.

use std::{collections::BTreeMap, fmt};

use anyhow::ensure;

use super::tally::Tally;

/// Violations of one kind that are kept whole; the others are counted.
const KEPT: usize = 5;
/// Events that are kept of one violation.
const EVENTS: usize = 8;

/// What must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Acknowledged, and not stored.
    Lost,
    /// Two creates were acknowledged with one number.
    SharedNumber,
    /// One create was stored under more numbers than it may.
    StoredTwice,
    /// Attempts under one key were told different numbers.
    KeyTwice,
    /// Stored or read with a text that is not its own.
    Changed,
    /// Stored, and no call explains it.
    Unexplained,
    /// More numbers are missing than calls can have burnt.
    Gap,
    /// An answered update is gone.
    LostUpdate,
    /// A read that no order of the reads and updates of its message explains.
    StaleRead,
    /// Seen or acknowledged before, and then not there.
    WentBack,
    /// Stored, and the index does not find it.
    MissingInIndex,
    /// The index finds what is not stored so.
    ExtraInIndex,
    /// A count is wrong after the count job.
    WrongCount,
    /// The api shows other than what is stored.
    WrongInApi,
    /// An item that could not be stored.
    DeadLetter,
    /// An answer that may never be given.
    OddAnswer,
    /// The queues or the outbox did not come to rest.
    NotQuiet,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Lost => "lost",
            Self::SharedNumber => "one number for two",
            Self::StoredTwice => "stored twice",
            Self::KeyTwice => "two numbers for one key",
            Self::Changed => "text changed",
            Self::Unexplained => "stored without a call",
            Self::Gap => "unexplained gap",
            Self::LostUpdate => "lost update",
            Self::StaleRead => "stale or impossible read",
            Self::WentBack => "read went back",
            Self::MissingInIndex => "missing in the index",
            Self::ExtraInIndex => "extra in the index",
            Self::WrongCount => "wrong count",
            Self::WrongInApi => "wrong in the api",
            Self::DeadLetter => "dead letter",
            Self::OddAnswer => "odd answer",
            Self::NotQuiet => "not quiet",
        })
    }
}

/// One thing that must not be, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    pub(crate) what: String,
    pub(crate) events: Vec<String>,
}

/// The figures of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) calls: Tally,
    /// Messages and chats whose creation was acknowledged, each once.
    pub(crate) acknowledged: u64,
    /// Attempts to create that got an error of the service, or no answer.
    pub(crate) unsure_creates: u64,
    /// Calls that were made again with their key.
    pub(crate) retried: u64,
    pub(crate) stored: u64,
    /// Stored without having been acknowledged, and explained by a call without an answer.
    pub(crate) unacknowledged: u64,
    pub(crate) gaps: u64,
    pub(crate) updates: u64,
    pub(crate) unsure_updates: u64,
    /// Messages that were read, each in a list or among the hits of a search too.
    pub(crate) reads: u64,
    /// Messages whose reads and updates were held against an order.
    pub(crate) registers: u64,
    pub(crate) indexed: u64,
    /// Fragments that were searched.
    pub(crate) searches: u64,
    /// Messages that were read through the api at the end.
    pub(crate) listed: u64,
    /// Counts that were compared.
    pub(crate) counts: u64,
}

/// Figures and violations.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) figures: Figures,
    violations: Vec<Violation>,
    counts: BTreeMap<Kind, u64>,
}

impl Report {
    /// Without a violation so far.
    pub(crate) fn of(figures: Figures) -> Self {
        Self { figures, ..Self::default() }
    }

    pub(crate) fn violation<E: fmt::Display>(
        &mut self,
        kind: Kind,
        what: impl Into<String>,
        events: impl IntoIterator<Item = E>,
    ) {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= KEPT as u64 {
            let events = events.into_iter().take(EVENTS).map(|event| event.to_string()).collect();
            self.violations.push(Violation { kind, what: what.into(), events });
        }
    }

    /// How many violations of this kind there are, also those that were not kept.
    pub(crate) fn count(&self, kind: Kind) -> u64 {
        self.counts.get(&kind).copied().unwrap_or_default()
    }

    /// How many violations there are.
    pub(crate) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Which kinds there are, and how many of each.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (Kind, u64)> {
        self.counts.iter().map(|(kind, count)| (*kind, *count))
    }

    /// Fails when there is a violation.
    pub(crate) fn verdict(&self) -> anyhow::Result<()> {
        ensure!(self.total() == 0, "{} violations of what must be true", self.total());
        Ok(())
    }
}

/// A table of the figures, and each kept violation with its events.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { calls, acknowledged, unsure_creates, retried, stored, unacknowledged, gaps, .. } = &self.figures;
        let Figures { updates, unsure_updates, reads, registers, indexed, searches, listed, counts, .. } = &self.figures;
        writeln!(f, "{calls}")?;
        writeln!(f, "| acknowledged | unsure | made again with a key | stored | of these unacknowledged | gaps |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        writeln!(f, "| {acknowledged} | {unsure_creates} | {retried} | {stored} | {unacknowledged} | {gaps} |\n")?;
        writeln!(f, "| updates | unsure | reads | registers | in the index | searches | listed | counts |")?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        write!(f, "| {updates} | {unsure_updates} | {reads} | {registers} ")?;
        writeln!(f, "| {indexed} | {searches} | {listed} | {counts} |\n")?;
        for (kind, count) in self.kinds() {
            writeln!(f, "{kind}: {count}")?;
            for violation in self.violations.iter().filter(|violation| violation.kind == kind) {
                writeln!(f, "  {}", violation.what)?;
                violation.events.iter().try_for_each(|event| writeln!(f, "    {event}"))?;
            }
        }
        match self.total() {
            0 => f.write_str("no violation"),
            total => write!(f, "{total} VIOLATIONS"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_violation_is_counted_and_some_are_told() {
        let mut report = Report::default();
        assert!(report.verdict().is_ok());
        for number in 0..20 {
            report.violation(Kind::Lost, format!("number {number}"), ["an event"]);
        }
        let text = report.to_string();
        assert!(report.verdict().is_err() && report.count(Kind::Lost) == 20);
        assert!(text.contains("lost: 20") && text.contains("number 4\n    an event") && !text.contains("number 5"), "{text}");
    }
}
