//! A conflict's two sides, for an operator to compare: what is stored under the number, and what the dead letter holds.

use domain::{ApplicationId, ChatNumber, EventId, MessageNumber, Timestamp};
use events::Item;
use store::{Connection, Error, chats, dead_letters::Stored as Letter, messages};

/// One side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// The event that it came with.
    pub event: EventId,
    /// When it was created.
    pub created_at: Timestamp,
    /// How often it was edited, and 1.
    pub version: u64,
    /// A message's body, or a chat's name if it has one.
    pub text: Option<String>,
}

/// What has the letter's number by now.
///
/// # Errors
/// Any [`Error`].
pub async fn stored(connection: &mut Connection, letter: &Letter) -> Result<Option<Rival>, Error> {
    let identity = &letter.letter.identity;
    let (Some(application), Some(chat)) = (identity.application_id, identity.chat) else { return Ok(None) };
    match identity.message {
        Some(message) => stored_message(connection, application, chat, message).await,
        None => stored_chat(connection, application, chat).await,
    }
}

/// The letter's own item, if it can be read.
pub fn own(letter: &Letter) -> Option<Rival> {
    let item: Item = serde_json::from_slice(&letter.letter.payload).ok()?;
    let (created_at, text) = match &item {
        Item::Chat(chat) => (chat.created_at, chat.name.as_ref().map(|name| name.as_str().to_owned())),
        Item::Message(message) => (message.created_at, Some(message.body.as_str().to_owned())),
    };
    Some(Rival { event: item.event_id(), created_at, version: 1, text })
}

async fn stored_message(
    connection: &mut Connection,
    application: ApplicationId,
    chat: ChatNumber,
    number: MessageNumber,
) -> Result<Option<Rival>, Error> {
    let events = messages::stored_events(connection, &[(application, chat, number)]).await?;
    let message = messages::find(connection, application, chat, number).await?;
    Ok(events.first().zip(message).map(|((_, event), message)| Rival {
        event: *event,
        created_at: message.created_at,
        version: message.version,
        text: Some(message.body.as_str().to_owned()),
    }))
}

async fn stored_chat(
    connection: &mut Connection,
    application: ApplicationId,
    number: ChatNumber,
) -> Result<Option<Rival>, Error> {
    let events = chats::stored_events(connection, &[(application, number)]).await?;
    let chat = chats::find(connection, application, number).await?;
    Ok(events.first().zip(chat).map(|((_, event), chat)| Rival {
        event: *event,
        created_at: chat.created_at,
        version: chat.version,
        text: chat.name.map(|name| name.as_str().to_owned()),
    }))
}
