//! Tells the broker what is done. To be called after the commit, never before: what is acknowledged is gone from the queue.

use std::time::Duration;

use backoff::{Backoff, Bounds};
use broker::{Consumer, Delivery, Settled};
use store::dead_letters::{DeadLetter, Reason};
use tokio::time::Instant;

use crate::{
    decode::{Entry, Subject},
    meters,
};

/// How long the dead letter queue may take for a batch's unreadable payloads. MySQL has them already; while that queue is missing
/// or full, or the broker is short of memory because nobody works off its queues, to wait for it would hold up what is sound.
const DEAD_QUEUE_TIME: Duration = Duration::from_secs(5);

/// Acknowledges the last delivery of a committed batch and all before it. Payloads that nobody could read go to the dead letter
/// queue first, byte for byte, if it takes them. A delivery that has become stale is left: it comes again and finds itself
/// stored.
pub(crate) async fn acknowledge(consumer: &Consumer, entries: &[Entry], last: &Delivery, retry: Bounds) {
    let until = Instant::now() + DEAD_QUEUE_TIME;
    let mut left_out = 0;
    for entry in entries {
        let Subject::Dead(letter) = &entry.subject else { continue };
        if letter.reason != Reason::UndecodablePayload {
            continue;
        }
        match keep_payload(consumer, letter, last, retry, until).await {
            Kept::Queued => {}
            Kept::InMysqlOnly => left_out += 1,
            Kept::Stale => return,
        }
    }
    if left_out > 0 {
        meters::dead_payloads_left_out(left_out);
        tracing::warn!(payloads = left_out, "the dead letter queue does not take unreadable payloads: MySQL alone has them");
    }
    if last.ack_through().await == Settled::Stale {
        tracing::debug!(partition = last.partition.get(), "a stored batch could not be acknowledged and will come again");
    }
}

/// Where an unreadable payload is kept.
enum Kept {
    /// In MySQL and in the dead letter queue.
    Queued,
    /// The queue did not take it in time.
    InMysqlOnly,
    /// The batch has become stale meanwhile.
    Stale,
}

async fn keep_payload(consumer: &Consumer, letter: &DeadLetter, last: &Delivery, retry: Bounds, until: Instant) -> Kept {
    let mut backoff = Backoff::new(retry);
    while Instant::now() < until {
        let Err(error) = consumer.publish_dead(&letter.payload, &letter.detail).await else { return Kept::Queued };
        tracing::debug!(%error, "an unreadable payload could not be put into the dead letter queue yet");
        if !last.is_current() {
            return Kept::Stale;
        }
        backoff.wait().await;
    }
    Kept::InMysqlOnly
}

/// Answers a fence whose predecessors are all committed, and acknowledges it.
pub(crate) async fn answer(consumer: &Consumer, fence: &Delivery) {
    if let Err(error) = consumer.answer_fence(fence).await {
        tracing::debug!(%error, "a fence could not be answered; its sender will ask again when it has waited in vain");
    }
    // If it has become stale it is delivered again, and answered again.
    let _ = fence.ack_through().await;
}
