//! How chats, messages and documents are named while they are compared, and what a person is told of them.

use search::{DocumentId, Held};
use store::messages::Version;

/// A chat's key: its application's, and its number.
pub(super) type ChatKey = (u64, u64);

/// How a message is told of.
pub(super) fn place(&((application, chat, number), _): &Version) -> String {
    format!("{}/{chat}/{number}", application.get())
}

/// What the document is of, if it is one of ours and in its place.
pub(super) fn document_id(held: &Held) -> Option<DocumentId> {
    DocumentId::parse(&held.name).filter(|id| held.routing.as_deref() == Some(id.routing().as_str()))
}

/// A message's document.
pub(super) fn document(&((application_id, chat, number), _): &Version) -> DocumentId {
    DocumentId { application_id, chat, number }
}
