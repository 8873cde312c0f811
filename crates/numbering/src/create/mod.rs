//! Takes numbers, publishes the create, and answers after the broker's confirm.
//!
//! A number that is taken and not published is a gap: its client gets an error, and no one else gets the number. It is counted,
//! but where nobody learnt which it was: Redis' answer came too late, or when nobody waited for it any more. Only the same
//! request may still get it, sent again with the same idempotency key: see `once`.

mod chats;
mod counted;
mod messages;
mod traced;

use std::{sync::Arc, time::Instant};

use broker::Items;
use domain::{ApplicationId, ApplicationToken, ChatNumber, EventId, Timestamp};
use sequencer::{Adopted, Digest, Known};

use crate::{
    Dependency, Error, Numbering, SETTLING_TIME,
    marks::Mark,
    meters,
    once::{Place, Request},
    servers::InEpoch,
};
pub use chats::NewChat;
use counted::Counted;
pub use messages::{MAX_BATCH, NewMessage, NewMessages};

/// How often a create begins anew, because a counter was missing or the epoch changed, before it gives up.
const ATTEMPTS: usize = 8;

/// A create that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted<N> {
    /// The number; of several messages the first, the others follow.
    pub number: N,
    /// Whether an earlier request with the same idempotency key had taken the number.
    pub replayed: bool,
}

/// An event that has its number: what is left is to publish it.
struct Numbered<N> {
    application_id: ApplicationId,
    number: N,
    event_id: EventId,
    created_at: Timestamp,
    /// Earliest moment the number can have been taken; the publish deadline counts from here. For a number an earlier attempt
    /// took: when this attempt took over.
    since: Instant,
    /// Whether the number was taken by an earlier request, so that the event may have been published before.
    again: bool,
}

/// What to do about a request whose key is known.
enum Step<N> {
    /// It is done.
    Answer(Accepted<N>),
    /// Its event is to be published, once more.
    Publish(Numbered<N>),
    /// Ask for numbers anew.
    BeginAnew,
}

impl Numbering {
    /// The epoch to work in, if there is one and the broker takes creates: a number that surely cannot be published is not taken.
    async fn ready(&self, count: usize) -> Result<Arc<Adopted>, Error> {
        self.publisher.accepting(count).map_err(|error| refused(&error))?;
        self.keeper.adopted().await
    }

    /// Decides on what the record of a request's key says. `place` makes a number a place in the tables.
    async fn recall<N: Copy>(
        &self,
        adopted: &Arc<Adopted>,
        token: ApplicationToken,
        request: Option<&mut Request>,
        known: Known<N>,
        place: impl Fn(N) -> Place,
        deadline: Instant,
    ) -> Result<Step<N>, Error> {
        match known {
            Known::Reused => Err(Error::KeyReused),
            Known::Confirmed(number) => Ok(Step::Answer(Accepted { number, replayed: true })),
            Known::Pending { application_id, number, event_id, created_at } => {
                Ok(Step::Publish(Numbered { application_id, number, event_id, created_at, since: Instant::now(), again: true }))
            }
            Known::Unsettled { number, event_id } => {
                // In a box, because it is rare and would make the room that every create takes larger.
                let stored = Box::pin(self.is_stored(adopted, token, place(number), event_id, deadline)).await?;
                match (stored, request) {
                    (InEpoch::Done(true), request) => {
                        self.mark(adopted, token, request.map(|request| request.key()), event_id);
                        Ok(Step::Answer(Accepted { number, replayed: true }))
                    }
                    (InEpoch::Done(false), Some(request)) => {
                        request.supersede(event_id);
                        Ok(Step::BeginAnew)
                    }
                    // The next epoch's Redis says what it knows of the key.
                    (InEpoch::Over, _) => Ok(Step::BeginAnew),
                    // Nobody is told of a record who sent no key.
                    (InEpoch::Done(false), None) => Ok(Step::BeginAnew),
                }
            }
        }
    }

    /// Makes sure that a number that this epoch's Redis has just called unknown was given by no other Redis either. The epoch is
    /// over if its fence comes back; a higher number alone may be of an opening that failed.
    async fn is_given_nowhere(&self, adopted: &Arc<Adopted>, deadline: Instant) -> Result<InEpoch<()>, Error> {
        if self.is_highest(adopted).await? {
            return Ok(InEpoch::Done(()));
        }
        self.fence(adopted, self.partitions.all().take(1), deadline).await
    }

    /// Publishes, within [`SETTLING_TIME`] after `since`, and waits for the confirm. Where the broker has fenced the epoch off,
    /// the numbers are burnt.
    async fn publish(
        &self,
        adopted: &Arc<Adopted>,
        application: ApplicationId,
        chat: ChatNumber,
        items: Items,
        since: Instant,
        again: bool,
    ) -> Result<InEpoch<()>, Error> {
        let partition = self.partitions.partition_of(application, chat);
        let (count, send_by) = (items.len(), since + SETTLING_TIME);
        if send_by <= Instant::now() {
            // Redis has taken all of the time to answer, and it may have been proven since that the number is a gap.
            meters::gaps(broker::PublishError::Expired.as_str(), count as u64);
            return Err(Error::Unavailable(Dependency::Redis));
        }
        let failed = move |error: &broker::PublishError| {
            // Numbers of an earlier request were counted by that one, if it lived to.
            if !again {
                meters::gaps(error.as_str(), count as u64);
            }
        };
        let published = match self.publisher.begin(adopted.record().epoch, partition, items, send_by) {
            Ok(publishing) => Counted::new(publishing, failed).await,
            Err(error) => {
                failed(&error);
                Err(error)
            }
        };
        match published {
            Ok(()) => Ok(InEpoch::Done(())),
            Err(error) => {
                if !matches!(error, broker::PublishError::Returned) {
                    return Err(refused(&error));
                }
                self.keeper.returned(adopted);
                Ok(InEpoch::Over)
            }
        }
    }

    /// Has it noted, behind the answer, that the event was confirmed.
    fn mark(&self, adopted: &Arc<Adopted>, token: ApplicationToken, key: Option<Digest>, event: EventId) {
        if let Some(key) = key {
            self.marks.confirmed(Mark { adopted: adopted.clone(), token, key, event });
        }
    }
}

fn refused(error: &broker::PublishError) -> Error {
    match error {
        broker::PublishError::QueueFull => Error::Overloaded,
        broker::PublishError::Unconfirmed => Error::Unconfirmed,
        _ => Error::Unavailable(Dependency::Rabbitmq),
    }
}
