//! The ledger on creates and rows that are made up.

use super::{comparison::Comparison, *};

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
