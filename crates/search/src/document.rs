//! What is indexed of a message, and the name it has in the index.

use std::fmt;

use domain::{ApplicationId, ChatNumber, MessageBody, MessageNumber};

use crate::place::Places;

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

impl DocumentId {
    /// Reads the name that `Display` writes; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let id = Self {
            application_id: ApplicationId::new(parts.next()?.parse().ok()?),
            chat: ChatNumber::parse(parts.next()?).ok()?,
            number: MessageNumber::parse(parts.next()?).ok()?,
        };
        (parts.next().is_none() && id.to_string() == text).then_some(id)
    }

    /// What the document holds of where its message stands: its chat's code and its number.
    pub fn place(&self) -> u64 {
        Places::of(Room { application_id: self.application_id, chat: self.chat }).place(self.number.get())
    }

    /// What the document must be routed by, lest no search find it.
    pub fn routing(&self) -> String {
        Room { application_id: self.application_id, chat: self.chat }.to_string()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_others_are_none() {
        let id = DocumentId::parse("7-3-9").unwrap();
        assert_eq!((id.to_string(), id.routing()), ("7-3-9".to_owned(), "7-3".to_owned()));
        for text in ["", "7-3", "7-3-9-1", "7-0-9", "7-3-x", "07-3-9", "7--9", "+7-3-9"] {
            assert_eq!(DocumentId::parse(text), None, "{text}");
        }
    }
}
