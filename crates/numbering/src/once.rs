//! Creates with an idempotency key: what stands for a request, and what becomes of one whose number was taken in another epoch.
//!
//! The record of a key is looked up and written in the script that takes the number, so a key has one number at a time, and one
//! event that bears it. What its states ask for:
//!
//! - *confirmed*, in whatever epoch: the create is done, and its number is the answer.
//! - *pending, of this epoch*: whoever took the number may be waiting for the confirm just now, or may have died before or after
//!   publishing. The very same event is published again: under its own number it is stored once, however often it comes.
//! - *pending, of another epoch*: the number may be another's by now, so nothing is published under it. No message of that epoch
//!   can come into the queues any more, so behind a fence MySQL knows: the event is stored (or a dead letter), and the number
//!   stands; or it never will be, and a new number is taken by a script that still finds the record of that very event. Of
//!   several that come to know so at the same time one takes a number, and the others find its record.
//!
//! Each number that is taken gets an event of its own name: a name never stands for two numbers.

use std::{sync::Arc, time::Instant};

use domain::{ApplicationToken, ChatName, ChatNumber, EventId, IdempotencyKey, MessageBody, MessageNumber, Timestamp};
use sequencer::{Adopted, Digest, Once};
use sha2::{Digest as _, Sha256};
use store::{applications, chats, dead_letters, messages};

use crate::{
    Error, Numbering, meters,
    servers::{InEpoch, mysql},
};

/// Takes another's row for its own: a feature that only the history checker's own test turns on.
const ANY_EVENT_WILL_DO: bool = cfg!(feature = "broken-retried-event-id");

/// What stands for a request with a key, over all its attempts.
pub(crate) struct Request {
    key: Digest,
    fingerprint: Digest,
    superseded: Option<EventId>,
}

/// The number that a key's record names, and thereby the place where its event is stored if it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Chat(ChatNumber),
    Message(ChatNumber, MessageNumber),
}

impl Place {
    fn chat(self) -> ChatNumber {
        match self {
            Self::Chat(chat) | Self::Message(chat, _) => chat,
        }
    }
}

impl Request {
    pub(crate) fn for_chat(key: Option<&IdempotencyKey>, name: Option<&ChatName>) -> Option<Self> {
        let name = name.map_or(&[][..], |name| name.as_str().as_bytes());
        // An empty name is none: no name is empty.
        key.map(|key| Self::new(key, [b"chat".as_slice(), name]))
    }

    /// `operation` tells a batch of one from a single message.
    pub(crate) fn for_messages(
        key: Option<&IdempotencyKey>,
        operation: &'static str,
        chat: ChatNumber,
        bodies: &[MessageBody],
    ) -> Option<Self> {
        let chat = chat.get().to_le_bytes();
        let bodies = bodies.iter().map(|body| body.as_str().as_bytes());
        key.map(|key| Self::new(key, [operation.as_bytes(), chat.as_slice()].into_iter().chain(bodies)))
    }

    fn new<'a>(key: &IdempotencyKey, parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self { key: digest([key.as_str().as_bytes()]), fingerprint: digest(parts), superseded: None }
    }

    /// What the issuing script is given for an attempt.
    pub(crate) fn attempt(&self, event_id: EventId, created_at: Timestamp) -> Once {
        let Self { key, fingerprint, superseded } = *self;
        Once { key, fingerprint, event_id, created_at, superseded }
    }

    pub(crate) fn key(&self) -> Digest {
        self.key
    }

    /// From the next attempt on a number is to be taken in the place of this event's.
    pub(crate) fn supersede(&mut self, event: EventId) {
        self.superseded = Some(event);
    }
}

/// SHA-256 over the parts, each behind its length, cut to 128 bits: clients write the texts, and must not be able to make two
/// that are taken for one.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    Digest::from_bytes(bytes)
}

impl Numbering {
    /// Whether an event that was given its number in another epoch than the present one is stored. Of a batch the first event is
    /// asked for: they came in one message, so all were accepted or none.
    pub(crate) async fn is_stored(
        &self,
        adopted: &Arc<Adopted>,
        token: ApplicationToken,
        place: Place,
        event: EventId,
        deadline: Instant,
    ) -> Result<InEpoch<bool>, Error> {
        meters::lookups(1);
        let found = applications::id_of(&mut *self.connection().await?, token).await.map_err(mysql)?;
        let Some(application) = found else { return Err(Error::UnknownApplication) };
        let partition = self.partitions.partition_of(application, place.chat());
        if self.fence(adopted, [partition], deadline).await? == InEpoch::Over {
            return Ok(InEpoch::Over);
        }
        let mut conn = self.connection().await?;
        let stored: Vec<EventId> = match place {
            Place::Chat(chat) => {
                let stored = chats::stored_events(&mut conn, &[(application, chat)]).await.map_err(mysql)?;
                stored.into_iter().map(|(_, event)| event).collect()
            }
            Place::Message(chat, number) => {
                let stored = messages::stored_events(&mut conn, &[(application, chat, number)]).await.map_err(mysql)?;
                stored.into_iter().map(|(_, event)| event).collect()
            }
        };
        // A dead letter was accepted under its number, and waits for an operator there.
        let is_this = |stored: &EventId| *stored == event || ANY_EVENT_WILL_DO;
        let is_stored = stored.iter().any(is_this) || !dead_letters::among(&mut conn, &[event]).await.map_err(mysql)?.is_empty();
        Ok(InEpoch::Done(is_stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> IdempotencyKey {
        IdempotencyKey::parse(text.as_bytes()).unwrap()
    }

    fn messages(operation: &'static str, chat: u64, bodies: &[&str]) -> Digest {
        let bodies: Vec<_> = bodies.iter().map(|body| MessageBody::new(*body).unwrap()).collect();
        Request::for_messages(Some(&key("k")), operation, ChatNumber::new(chat).unwrap(), &bodies).unwrap().fingerprint
    }

    fn chat(name: Option<&str>) -> Digest {
        let name = name.map(|name| ChatName::new(name).unwrap());
        Request::for_chat(Some(&key("k")), name.as_ref()).unwrap().fingerprint
    }

    #[test]
    fn every_part_of_a_request_is_in_its_fingerprint() {
        let prints = [
            messages("message", 1, &["ab"]),
            messages("message", 2, &["ab"]),
            messages("message", 1, &["ac"]),
            messages("batch", 1, &["ab"]),
            messages("batch", 1, &["a", "b"]),
            messages("batch", 1, &["b", "a"]),
            messages("batch", 1, &["ab", "ab"]),
            chat(None),
            chat(Some("ab")),
            chat(Some("ba")),
        ];
        for (index, print) in prints.iter().enumerate() {
            assert!(!prints[..index].contains(print), "{index}");
        }
        assert_eq!(messages("batch", 1, &["a", "b"]), messages("batch", 1, &["a", "b"]));
    }

    #[test]
    fn a_key_is_its_own_hash_and_no_key_is_no_request() {
        let of = |text| Request::for_chat(Some(&key(text)), None).unwrap().key();
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
        assert!(Request::for_chat(None, None).is_none());
    }
}
