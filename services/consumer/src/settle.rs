//! Tells the broker what is done. To be called after the commit, never before: what is acknowledged is gone from the queue.

use broker::{Consumer, Delivery, Settled};
use store::dead_letters::Reason;
use tokio::time::sleep;

use crate::{
    backoff::{Backoff, Bounds},
    decode::{Entry, Subject},
};

/// Acknowledges the last delivery of a committed batch and all before it. Payloads that nobody could read go to the dead letter
/// queue first, byte for byte. A delivery that has become stale is left: it comes again and finds itself stored.
pub(crate) async fn acknowledge(consumer: &Consumer, entries: &[Entry], last: &Delivery, retry: Bounds) {
    for entry in entries {
        if let Subject::Dead(letter) = &entry.subject
            && letter.reason == Reason::UndecodablePayload
            && !keep_payload(consumer, &letter.payload, &letter.detail, last, retry).await
        {
            return;
        }
    }
    if last.ack_through().await == Settled::Stale {
        tracing::debug!(partition = last.partition.get(), "a stored batch could not be acknowledged and will come again");
    }
}

/// `false` when the batch has become stale meanwhile.
async fn keep_payload(consumer: &Consumer, payload: &[u8], reason: &str, last: &Delivery, retry: Bounds) -> bool {
    let mut backoff = Backoff::new(retry);
    while let Err(error) = consumer.publish_dead(payload, reason).await {
        tracing::debug!(%error, "an unreadable payload could not be put into the dead letter queue yet");
        if !last.is_current() {
            return false;
        }
        sleep(backoff.next()).await;
    }
    true
}

/// Answers a fence whose predecessors are all committed, and acknowledges it.
pub(crate) async fn answer(consumer: &Consumer, fence: &Delivery) {
    if let Err(error) = consumer.answer_fence(fence).await {
        tracing::debug!(%error, "a fence could not be answered; its sender will ask again");
    }
    // If it has become stale it is delivered again, and answered again.
    let _ = fence.ack_through().await;
}
