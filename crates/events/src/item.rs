//! What was accepted: a chat's or a message's creation, with the number that was given to it.

use domain::{ApplicationId, ChatName, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
use serde::{Deserialize, Serialize};

/// One accepted create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Item {
    /// A chat was created.
    Chat(ChatCreated),
    /// A message was created.
    Message(MessageCreated),
}

/// A chat's creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatCreated {
    /// Which create this is.
    pub event_id: EventId,
    /// The chat's application.
    pub application_id: ApplicationId,
    /// The number that it was given.
    pub number: ChatNumber,
    /// Its name, if the client gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ChatName>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// The request that created it.
    pub request_id: String,
    /// Where its trace goes on, as the header `traceparent` says it (W3C Trace Context); `None` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// A message's creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCreated {
    /// Which create this is.
    pub event_id: EventId,
    /// The chat's application.
    pub application_id: ApplicationId,
    /// The message's chat.
    pub chat: ChatNumber,
    /// The number that it was given.
    pub number: MessageNumber,
    /// Its text.
    pub body: MessageBody,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// The request that created it.
    pub request_id: String,
    /// Where its trace goes on, as the header `traceparent` says it (W3C Trace Context); `None` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

impl Item {
    /// Which create this is.
    pub fn event_id(&self) -> EventId {
        match self {
            Item::Chat(chat) => chat.event_id,
            Item::Message(message) => message.event_id,
        }
    }

    /// The application it belongs to.
    pub fn application_id(&self) -> ApplicationId {
        match self {
            Item::Chat(chat) => chat.application_id,
            Item::Message(message) => message.application_id,
        }
    }

    /// The chat that it creates or adds to.
    pub fn chat(&self) -> ChatNumber {
        match self {
            Item::Chat(chat) => chat.number,
            Item::Message(message) => message.chat,
        }
    }

    /// The request that created it.
    pub fn request_id(&self) -> &str {
        match self {
            Item::Chat(chat) => &chat.request_id,
            Item::Message(message) => &message.request_id,
        }
    }

    /// Where its trace goes on.
    pub fn trace(&self) -> Option<&str> {
        match self {
            Item::Chat(chat) => chat.trace.as_deref(),
            Item::Message(message) => message.trace.as_deref(),
        }
    }

    /// When it was accepted.
    pub fn created_at(&self) -> Timestamp {
        match self {
            Item::Chat(chat) => chat.created_at,
            Item::Message(message) => message.created_at,
        }
    }

    /// The message that it creates; `None` for a chat's creation.
    pub fn message(&self) -> Option<MessageNumber> {
        match self {
            Item::Chat(_) => None,
            Item::Message(message) => Some(message.number),
        }
    }
}
