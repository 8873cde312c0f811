//! What is counted here. Every series stands at 0 from the start: a rate is seen from its first event on, and an alert can tell
//! "never" from "not measured". Labels are words of the code, so there are as many series as are made here. Gauges that nothing
//! tells of by itself are `monitor`'s.

use std::time::Duration;

use metrics::{counter, histogram};
use store::{ErrorKind, dead_letters::Reason};

/// Makes every series.
pub(crate) fn register() {
    ["chat", "message"].into_iter().for_each(|kind| stored(kind, 0));
    Reason::ALL.into_iter().for_each(|reason| dead_letters(reason, 0));
    ErrorKind::ALL.into_iter().for_each(|kind| persist_failures(kind, 0));
    ["own", "disputed"].into_iter().for_each(|outcome| stragglers(outcome, 0));
    dead_payloads_left_out(0);
    indexed(0, 0);
    index_failures(0);
    index_unwritten(0);
    not_handed_over(0);
    not_indexed_in_time(0);
    count_marks(0);
    count_failures(0);
    for name in ["chat_persist_seconds", "chat_batch_items", "chat_store_lag_seconds", "chat_index_lag_seconds"] {
        histogram!(name).record_many(0.0, 0);
    }
}

/// A transaction that stored so many entries.
pub(crate) fn persisted(entries: usize, took: Duration) {
    histogram!("chat_persist_seconds").record(took);
    histogram!("chat_batch_items").record(entries as f64);
}

/// How long the oldest create of a batch had waited when it was stored, from its acceptance on: by two machines' clocks.
pub(crate) fn store_lag(age: Duration) {
    histogram!("chat_store_lag_seconds").record(age);
}

/// Rows that were added.
pub(crate) fn stored(kind: &'static str, rows: usize) {
    counter!("chat_items_stored_total", "kind" => kind).increment(rows as u64);
}

/// Items that became dead letters.
pub(crate) fn dead_letters(reason: Reason, letters: u64) {
    counter!("chat_dead_letters_total", "reason" => reason.as_str()).increment(letters);
}

/// Unreadable payloads that the dead letter queue did not take.
pub(crate) fn dead_payloads_left_out(payloads: u64) {
    counter!("chat_dead_payloads_left_out_total").increment(payloads);
}

/// Transactions that failed and are tried again as they are: not those that are split, or tried anew without what is refused.
pub(crate) fn persist_failures(kind: ErrorKind, failures: u64) {
    counter!("chat_persist_failures_total", "kind" => kind.as_str()).increment(failures);
}

/// Items of an earlier epoch than their partition's.
pub(crate) fn stragglers(outcome: &'static str, items: u64) {
    counter!("chat_stragglers_total", "outcome" => outcome).increment(items);
}

/// Messages that the index took, and that it refused for good.
pub(crate) fn indexed(taken: usize, rejected: usize) {
    counter!("chat_indexed_total").increment(taken as u64);
    counter!("chat_index_rejected_total").increment(rejected as u64);
}

/// Writes of which the index took nothing.
pub(crate) fn index_failures(writes: u64) {
    counter!("chat_index_failures_total").increment(writes);
}

/// Messages that the index could not write to its disk; they are given again.
pub(crate) fn index_unwritten(messages: usize) {
    counter!("chat_index_unwritten_total").increment(messages as u64);
}

/// How long after their commit the messages of a batch were written to the index, or left to the relay.
pub(crate) fn index_lag(age: Duration) {
    histogram!("chat_index_lag_seconds").record(age);
}

/// Stored batches with messages that the full queue before the indexer did not take.
pub(crate) fn not_handed_over(batches: u64) {
    counter!("chat_index_queue_full_total").increment(batches);
}

/// Stored batches with messages that had waited too long when their turn came.
pub(crate) fn not_indexed_in_time(batches: u64) {
    counter!("chat_index_late_total").increment(batches);
}

/// Changes that the count job brought into the counts.
pub(crate) fn count_marks(marks: u64) {
    counter!("chat_count_marks_total").increment(marks);
}

/// Runs of the count job that failed.
pub(crate) fn count_failures(runs: u64) {
    counter!("chat_count_failures_total").increment(runs);
}
