//! Requests with an idempotency key: what the issuing scripts are given for one, what they know of it, and the note that its
//! event was confirmed.
//!
//! A key's record is looked up, and written, in the very script that takes the numbers: of two requests with one key, wherever
//! they run, one takes numbers and the other is told which. Records name their epoch and outlive it; they end by their time to
//! live. What a record means for the caller is the numbering's business.

use std::fmt;

use deadpool_redis::redis::Value;
use domain::{ApplicationId, ApplicationToken, EventId, Timestamp};

use crate::{
    Adopted, Error, Sequencer,
    reply::{application_id, split, unexpected},
};

/// 128 bits of a hash that stand for a text: Redis never holds a key as the client wrote it, and every record is of one size.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(u128);

impl Digest {
    /// The first 16 bytes of a hash whose every bit depends on the whole text.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// A request with an idempotency key that asks for numbers.
#[derive(Debug, Clone)]
pub struct Once {
    /// Of the key.
    pub key: Digest,
    /// Of the whole request: the same key with another one is a mistake of the client's.
    pub fingerprint: Digest,
    /// The name of the event, should numbers be taken for it now. Never one that was given to a number before.
    pub event_id: EventId,
    /// The moment of the event, should numbers be taken for it now.
    pub created_at: Timestamp,
    /// The event of another epoch that the caller has [been told of](Known::Unsettled), and of which it knows that it was not
    /// stored and never will be: numbers are to be taken in its place.
    pub superseded: Option<EventId>,
}

/// What the record of an idempotency key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<N> {
    /// The request was done, under this number (the first of a batch).
    Confirmed(N),
    /// Numbers were taken for it in this epoch. Its event may be on its way, or stored, or was never sent: sending the same event
    /// again is right in each case.
    Pending {
        /// The application.
        application_id: ApplicationId,
        /// The number (the first of a batch).
        number: N,
        /// The event's name.
        event_id: EventId,
        /// The event's moment.
        created_at: Timestamp,
    },
    /// Numbers were taken for it in another epoch, which says nothing of what has become of them.
    Unsettled {
        /// The number (the first of a batch).
        number: N,
        /// The event's name.
        event_id: EventId,
    },
    /// The key was used for another request.
    Reused,
}

impl<N> Known<N> {
    /// Reads an issuing script's answer of this kind; `None` if it is of another.
    pub(crate) fn read(word: &[u8], parts: &[Value], read: impl Fn(&Value) -> Result<N, Error>) -> Result<Option<Self>, Error> {
        Ok(Some(match (word, parts) {
            (b"CONFIRMED", [number]) => Self::Confirmed(read(number)?),
            (b"PENDING", [id, number, event, moment]) => Self::Pending {
                application_id: application_id(id)?,
                number: read(number)?,
                event_id: event_id(event)?,
                created_at: timestamp(moment)?,
            },
            (b"UNSETTLED", [number, event]) => Self::Unsettled { number: read(number)?, event_id: event_id(event)? },
            (b"REUSED", []) => Self::Reused,
            _ => return Ok(None),
        }))
    }
}

/// What the issuing scripts are given for a request with a key, besides the key's name.
pub(crate) struct Arguments {
    pub(crate) ttl_s: u64,
    pub(crate) texts: [String; 3],
}

impl Once {
    pub(crate) fn arguments(&self, ttl_s: u64) -> Arguments {
        let event = format!("{} {}", hex(self.event_id), self.created_at.to_unix_millis());
        Arguments { ttl_s, texts: [event, self.fingerprint.to_string(), self.superseded.map(hex).unwrap_or_default()] }
    }
}

impl Sequencer {
    /// Notes that the event was confirmed by the broker, or found stored: from now on the key's record answers by itself.
    /// `false`: the record is gone, or another event's by now.
    ///
    /// # Errors
    /// Any [`Error`]. A record that is left pending costs its next retry a little more, and nothing else.
    pub async fn confirm(&self, adopted: &Adopted, token: ApplicationToken, key: Digest, event: EventId) -> Result<bool, Error> {
        let record = self.keys().once(token, key);
        let answer = self.run_with(adopted, &adopted.scripts().confirm, &[&record], &[], &[hex(event)]).await?;
        match split(&answer)? {
            (b"CONFIRMED", []) => Ok(true),
            (b"OTHER", []) => Ok(false),
            _ => Err(unexpected()),
        }
    }
}

fn hex(event: EventId) -> String {
    format!("{:032x}", u128::from_be_bytes(*event.as_bytes()))
}

fn text(part: &Value) -> Result<&str, Error> {
    match part {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).map_err(|_| unexpected()),
        _ => Err(unexpected()),
    }
}

fn event_id(part: &Value) -> Result<EventId, Error> {
    let bits = u128::from_str_radix(text(part)?, 16).map_err(|_| unexpected())?;
    Ok(EventId::from_bytes(bits.to_be_bytes()))
}

fn timestamp(part: &Value) -> Result<Timestamp, Error> {
    text(part)?.parse().ok().and_then(Timestamp::from_unix_millis).ok_or_else(unexpected)
}
