//! What is indexed of a message, and the name it has in the index.

use std::fmt;

use domain::{ApplicationId, ChatNumber, MessageBody, MessageNumber};

/// A message as the index is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The application's key.
    pub application_id: ApplicationId,
    /// The chat's number in the application.
    pub chat: ChatNumber,
    /// The message's number in the chat.
    pub number: MessageNumber,
    /// The message's version: of two, the index keeps the higher, whichever comes first.
    pub version: u64,
    /// The text.
    pub body: MessageBody,
}

impl Document {
    /// The document's name.
    pub fn id(&self) -> DocumentId {
        DocumentId { application_id: self.application_id, chat: self.chat, number: self.number }
    }
}

/// A document's name: `<application>-<chat>-<number>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId {
    /// The application's key.
    pub application_id: ApplicationId,
    /// The chat's number in the application.
    pub chat: ChatNumber,
    /// The message's number in the chat.
    pub number: MessageNumber,
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", Room { application_id: self.application_id, chat: self.chat }, self.number)
    }
}

/// A chat, as the index names it: `<application>-<chat>`. It is a field of each document, and its routing, so that a chat lies
/// in one shard and a search goes to that one only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) application_id: ApplicationId,
    pub(crate) chat: ChatNumber,
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.application_id.get(), self.chat)
    }
}
