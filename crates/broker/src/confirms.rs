//! Publishes that await their confirm, and which of them the broker returned.
//!
//! lapin hands a returned message to whichever confirm completes next, and completes the confirms of one `multiple` ack in any
//! order. So a return may arrive with another publish's confirm, and taking it at its word would call a stored message returned
//! and, far worse, a returned one stored. Here every publish carries its number as `message-id`, which comes back with the
//! return. The broker sends a return before the confirm of the same publish and lapin completes confirms one after the other; so
//! once a confirm is seen, the return that may belong to it rests in a confirm that was completed earlier. Hence outcomes
//! are given out only after a round in which no further confirm was found completed.

use std::{
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use lapin::{BasicProperties, Channel, Confirmation, options::BasicPublishOptions, types::ShortString};

/// Publishes that may go unconfirmed before the connection counts as broken.
const MAX_OVERDUE: usize = 64;

/// What to publish: persistent, mandatory.
pub(crate) struct Outgoing {
    pub(crate) exchange: ShortString,
    pub(crate) routing_key: ShortString,
    pub(crate) payload: Vec<u8>,
    pub(crate) properties: BasicProperties,
}

/// What became of a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Confirmed: stored by the queue.
    Stored,
    /// No queue is bound to its key: surely not stored.
    Returned,
    /// The channel was closed before it was handed over: surely not sent.
    NotSent,
    /// `basic.nack`. The topology's queues have no length limit, so this can only mean an error inside the broker: it may or may
    /// not be stored.
    Refused,
    /// The channel or the connection was lost: it may or may not be stored.
    Lost,
}

/// A publish with its outcome.
pub(crate) struct Settled<T> {
    pub(crate) context: T,
    pub(crate) outcome: Outcome,
    /// Since it was handed over.
    pub(crate) took: Duration,
}

enum Answer {
    NotSent,
    Lost,
    Confirmed { ack: bool },
}

struct Publish<T> {
    number: u64,
    /// `None` once the waiting was given up; the confirm is still looked at, because it may hold another publish's return.
    context: Option<T>,
    confirm: Option<BoxFuture<'static, lapin::Result<Option<Confirmation>>>>,
    answer: Option<Answer>,
    sent: Instant,
}

/// The publishes of one channel, in order. The channel must be in confirm mode and nobody else may publish on it.
pub(crate) struct Confirms<T> {
    channel: Channel,
    limit: Duration,
    last_number: u64,
    publishes: Vec<Publish<T>>,
    returned: Vec<u64>,
}

impl<T> Confirms<T> {
    /// `limit`: how long a confirm is waited for.
    pub(crate) fn new(channel: Channel, limit: Duration) -> Self {
        Self { channel, limit, last_number: 0, publishes: Vec::new(), returned: Vec::new() }
    }

    /// The number that the next publish will have.
    pub(crate) fn next_number(&self) -> u64 {
        self.last_number + 1
    }

    /// Publishes that are still waited for.
    pub(crate) fn awaited(&self) -> usize {
        self.publishes.iter().filter(|publish| publish.context.is_some()).count()
    }

    /// Whether so many confirms are overdue that the connection had better be made anew.
    pub(crate) fn is_broken(&self) -> bool {
        self.publishes.len() - self.awaited() >= MAX_OVERDUE
    }

    /// Takes a publish. It is handed to the connection at the next [poll](Self::poll_settled), in the order of the calls.
    pub(crate) fn publish(&mut self, outgoing: Outgoing, context: T) {
        self.last_number += 1;
        let number = self.last_number;
        let channel = self.channel.clone();
        let confirm = async move {
            if !channel.status().connected() {
                return Ok(None);
            }
            let Outgoing { exchange, routing_key, payload, properties } = outgoing;
            let properties = properties.with_delivery_mode(2).with_message_id(number.to_string().into());
            let options = BasicPublishOptions { mandatory: true, immediate: false };
            // Up to here nothing waits, and lapin queues the frames before it waits: so the first poll fixes the order.
            let confirm = channel.basic_publish(exchange, routing_key, options, &payload, properties).await?;
            drop(payload);
            confirm.await.map(Some)
        };
        let (context, confirm) = (Some(context), Some(confirm.boxed()));
        self.publishes.push(Publish { number, context, confirm, answer: None, sent: Instant::now() });
    }

    /// The publishes whose outcome is known now, in the order in which they were sent; pending while there is none.
    pub(crate) fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<Vec<Settled<T>>> {
        while self.round(cx) {}
        let mut settled = Vec::new();
        let returned = &mut self.returned;
        self.publishes.retain_mut(|publish| {
            let Some(answer) = &publish.answer else { return true };
            let is_returned = returned.iter().position(|number| *number == publish.number).map(|at| returned.swap_remove(at));
            let outcome = match answer {
                Answer::NotSent => Outcome::NotSent,
                Answer::Confirmed { .. } if is_returned.is_some() => Outcome::Returned,
                Answer::Confirmed { ack: true } => Outcome::Stored,
                Answer::Confirmed { ack: false } => Outcome::Refused,
                Answer::Lost => Outcome::Lost,
            };
            if let Some(context) = publish.context.take() {
                settled.push(Settled { context, outcome, took: publish.sent.elapsed() });
            }
            false
        });
        if settled.is_empty() { Poll::Pending } else { Poll::Ready(settled) }
    }

    /// Looks at every confirm once; whether one was found completed.
    fn round(&mut self, cx: &mut Context<'_>) -> bool {
        let mut found = false;
        for publish in &mut self.publishes {
            let Some(confirm) = &mut publish.confirm else { continue };
            let Poll::Ready(completed) = confirm.poll_unpin(cx) else { continue };
            found = true;
            publish.confirm = None;
            publish.answer = Some(match completed {
                Ok(None) => Answer::NotSent,
                Ok(Some(confirmation)) => {
                    let ack = confirmation.is_ack();
                    self.returned.extend(confirmation.take_message().and_then(|returned| {
                        returned.properties.message_id().as_ref().and_then(|number| number.as_str().parse::<u64>().ok())
                    }));
                    Answer::Confirmed { ack }
                }
                Err(error) => {
                    tracing::debug!(%error, "publish failed");
                    Answer::Lost
                }
            });
        }
        found
    }

    /// Gives up waiting for the confirms that are overdue.
    pub(crate) fn take_overdue(&mut self) -> Vec<T> {
        let limit = self.limit;
        self.publishes
            .iter_mut()
            .filter(|publish| publish.sent.elapsed() >= limit)
            .filter_map(|publish| publish.context.take())
            .collect()
    }

    /// Everything that is still waited for; the connection is gone.
    pub(crate) fn into_unsettled(self) -> impl Iterator<Item = T> {
        self.publishes.into_iter().filter_map(|publish| publish.context)
    }
}
