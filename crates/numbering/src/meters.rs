//! What is counted here. Every series stands at 0 from the start: a rate is seen from its first event on, and an alert can tell
//! "never" from "not measured". Labels are words of the code, so there are as many series as are made here.

use broker::PublishError;
use metrics::counter;
use sequencer::NeedsEpochReason;

/// Why an epoch is opened although Redis shows one: the broker has unbound it.
pub(crate) const UNBOUND: &str = "unbound";

/// Makes every series.
pub(crate) fn register() {
    NeedsEpochReason::ALL.map(NeedsEpochReason::as_str).into_iter().chain([UNBOUND]).for_each(|reason| epochs_opened(reason, 0));
    PublishError::WORDS.into_iter().for_each(|cause| gaps(cause, 0));
    seeds("chats", 0);
    seeds("messages", 0);
    lookups(0);
    marks_dropped(0);
}

/// Epochs that this process opened.
pub(crate) fn epochs_opened(reason: &'static str, epochs: u64) {
    counter!("chat_epochs_opened_total", "reason" => reason).increment(epochs);
}

/// Numbers that were taken for creates that then failed: nothing will ever have them, but for some that are stored though
/// unconfirmed.
pub(crate) fn gaps(cause: &'static str, numbers: u64) {
    counter!("chat_number_gaps_total", "cause" => cause).increment(numbers);
}

/// Counters that were set behind a fence, by what they count.
pub(crate) fn seeds(kind: &'static str, counters: u64) {
    counter!("chat_seeds_total", "counter" => kind).increment(counters);
}

/// Idempotency keys of an earlier epoch whose event was looked for in MySQL.
pub(crate) fn lookups(keys: u64) {
    counter!("chat_idempotency_lookups_total").increment(keys);
}

/// Confirmations that were not noted because too many waited to be.
pub(crate) fn marks_dropped(marks: u64) {
    counter!("chat_idempotency_marks_dropped_total").increment(marks);
}
