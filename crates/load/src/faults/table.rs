//! What became of each fault, as a table.

use std::{collections::BTreeMap, time::Duration};

use say::say;

use super::{
    fault::Fault,
    ledger::{Found, Ledger, Tally},
    recovery::Recovery,
};

/// One step.
struct Entry {
    faults: Vec<Fault>,
    told: Told,
    recovery: Recovery,
}

/// All steps, in their order.
#[derive(Default)]
pub(crate) struct Table {
    entries: Vec<Entry>,
}

/// One kind of fault, over all steps in which it was injected.
#[derive(Default)]
struct Row {
    alone: u32,
    with_another: u32,
    acknowledged: u64,
    not_acknowledged: u64,
    found: Found,
    slowest: Duration,
}

impl Table {
    /// Enters a step: what clients were told meanwhile, and how long the recovery took.
    pub(crate) fn enter(&mut self, faults: Vec<Fault>, told: Told, recovery: Recovery) {
        self.entries.push(Entry { faults, told, recovery });
    }

    /// In Markdown, with what the ledger has found in the end. A step with two faults counts in the rows of both.
    pub(crate) fn print(&self, ledger: &Ledger) {
        say!(
            "| fault | injected alone | with another | creates acknowledged | not acknowledged | lost | doubled | gaps explained | s to recover, at most |"
        );
        say!("|---|---|---|---|---|---|---|---|---|");
        for (fault, row) in self.rows(ledger) {
            let Row { alone, with_another, acknowledged, not_acknowledged, found: Found { lost, doubled, gaps }, slowest } = row;
            let slowest = slowest.as_secs_f64();
            say!(
                "| {fault} | {alone} | {with_another} | {acknowledged} | {not_acknowledged} | {lost} | {doubled} | {gaps} | {slowest:.1} |"
            );
        }
    }

    fn rows(&self, ledger: &Ledger) -> BTreeMap<Fault, Row> {
        let mut rows: BTreeMap<Fault, Row> = BTreeMap::new();
        for (step, Entry { faults, told, recovery }) in (1..).zip(&self.entries) {
            let found = ledger.found(step);
            for fault in faults {
                let row = rows.entry(*fault).or_default();
                *(if faults.len() == 1 { &mut row.alone } else { &mut row.with_another }) += 1;
                row.acknowledged += told.acknowledged;
                row.not_acknowledged += told.not_acknowledged;
                row.found.lost += found.lost;
                row.found.doubled += found.doubled;
                row.found.gaps += found.gaps;
                row.slowest = row.slowest.max(recovery.whole());
            }
        }
        rows
    }
}

/// What clients were told during a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) acknowledged: u64,
    pub(crate) not_acknowledged: u64,
}

impl Told {
    pub(crate) fn between(before: Tally, after: Tally) -> Self {
        let not = |tally: Tally| tally.refused + tally.unanswered;
        Self { acknowledged: after.acknowledged - before.acknowledged, not_acknowledged: not(after) - not(before) }
    }
}
