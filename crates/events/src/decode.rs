//! Reads envelopes, and never lets one bad item spoil its neighbours.
//!
//! A payload that is no envelope at all is [`Undecodable`]; an item that cannot be read is a [`BadItem`] among good ones, kept
//! letter for letter, with as much of its identity as can be made out.

use domain::{ApplicationId, ChatNumber, EventId, MessageNumber};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{ENVELOPE_VERSION, Epoch, Item};

/// What a payload turned out to be.
#[derive(Debug)]
pub enum Decoded {
    /// Accepted creates, in the order of acceptance.
    Items {
        /// The epoch in which their numbers were taken.
        epoch: Epoch,
        /// The items, each read for itself.
        items: Vec<Result<Item, BadItem>>,
    },
    /// A request to be told when all that stood before it is committed.
    Fence {
        /// The epoch in which it was sent.
        epoch: Epoch,
    },
}

/// An item of a well-formed envelope that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadItem {
    /// The item as it stood in the envelope.
    pub payload: String,
    /// What is wrong with it. May name fields and limits, never repeats a value of the client's.
    pub reason: String,
    /// What could be made out of it.
    pub identity: Identity,
}

/// Which number an item stands for, as far as it can be told. A number that was given must not be given again, even if its item
/// cannot be stored: so its identity is worth saving.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Identity {
    /// Which create it is.
    pub event_id: Option<EventId>,
    /// Its application.
    pub application_id: Option<ApplicationId>,
    /// The chat that it creates or adds to.
    pub chat: Option<ChatNumber>,
    /// The message that it creates; `None` for a chat's creation.
    pub message: Option<MessageNumber>,
}

impl From<&Item> for Identity {
    fn from(item: &Item) -> Self {
        Self {
            event_id: Some(item.event_id()),
            application_id: Some(item.application_id()),
            chat: Some(item.chat()),
            message: item.message(),
        }
    }
}

/// A payload that is no envelope of a known version.
#[derive(Debug, thiserror::Error)]
pub enum Undecodable {
    /// Not JSON, or not of the envelope's form.
    #[error("not an envelope")]
    Malformed(#[source] serde_json::Error),
    /// Written by a later version, whose form is not known here.
    #[error("envelope version {0} is not known")]
    Version(u16),
    /// A kind of envelope that is not known here.
    #[error("envelope kind is not known")]
    Kind,
    /// An envelope of items that names none, not even an empty list: what stands in it may be creates under another name.
    #[error("envelope of items without items")]
    NoItems,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    v: u16,
    kind: &'a str,
    epoch: Epoch,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

/// Reads a payload.
///
/// # Errors
/// [`Undecodable`] when there is no way to tell its items apart; a bad item alone is no error.
pub fn decode(payload: &[u8]) -> Result<Decoded, Undecodable> {
    let envelope: Envelope<'_> = serde_json::from_slice(payload).map_err(Undecodable::Malformed)?;
    if envelope.v != ENVELOPE_VERSION {
        return Err(Undecodable::Version(envelope.v));
    }
    match envelope.kind {
        "items" => {
            let items = envelope.items.ok_or(Undecodable::NoItems)?;
            Ok(Decoded::Items { epoch: envelope.epoch, items: items.into_iter().map(decode_item).collect() })
        }
        "fence" => Ok(Decoded::Fence { epoch: envelope.epoch }),
        _ => Err(Undecodable::Kind),
    }
}

fn decode_item(raw: &RawValue) -> Result<Item, BadItem> {
    serde_json::from_str(raw.get()).map_err(|error| BadItem {
        payload: raw.get().to_owned(),
        reason: reason(&error),
        identity: identity(raw),
    })
}

/// Where reading failed. The error's own text may quote what a client wrote, so only a broken rule of ours is repeated.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let ours = ["name ", "body ", "number ", "moment ", "missing field "].iter().any(|start| text.starts_with(start));
    if ours { text } else { format!("malformed item at column {}", error.column()) }
}

/// Picks the parts of the identity one by one: each may be there and sound although others are not.
fn identity(raw: &RawValue) -> Identity {
    let Ok(fields) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(raw.get()) else {
        return Identity::default();
    };
    fn field<T: serde::de::DeserializeOwned>(fields: &serde_json::Map<String, serde_json::Value>, name: &str) -> Option<T> {
        serde_json::from_value(fields.get(name)?.clone()).ok()
    }
    // What else it may be, of a later release or damaged, has a number of something else: taken for a chat's, that number and all
    // below it would never be given again.
    let (chat, message) = match fields.get("type").and_then(|kind| kind.as_str()) {
        Some("chat") => (field(&fields, "number"), None),
        Some("message") => (field(&fields, "chat"), field(&fields, "number")),
        _ => (None, None),
    };
    Identity { event_id: field(&fields, "event_id"), application_id: field(&fields, "application_id"), chat, message }
}
