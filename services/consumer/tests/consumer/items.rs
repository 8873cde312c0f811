//! Creates, as ingest would publish them.

use domain::{ApplicationId, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
use events::{ChatCreated, Item, MessageCreated};

pub(crate) fn chat(application: u64, number: u64) -> Item {
    Item::Chat(ChatCreated {
        event_id: EventId::generate(),
        application_id: ApplicationId::new(application),
        number: ChatNumber::new(number).unwrap(),
        name: None,
        created_at: Timestamp::now(),
        request_id: "test".to_owned(),
        trace: None,
    })
}

pub(crate) fn message(application: u64, chat: u64, number: u64) -> Item {
    worded(application, chat, number, &format!("message {number} of chat {chat}"))
}

pub(crate) fn worded(application: u64, chat: u64, number: u64, body: &str) -> Item {
    Item::Message(MessageCreated {
        event_id: EventId::generate(),
        application_id: ApplicationId::new(application),
        chat: ChatNumber::new(chat).unwrap(),
        number: MessageNumber::new(number).unwrap(),
        body: MessageBody::new(body).unwrap(),
        created_at: Timestamp::now(),
        request_id: "test".to_owned(),
        trace: None,
    })
}

/// The same create as another event: a rival for its number.
pub(crate) fn with_another_event(item: &Item) -> Item {
    let mut other = item.clone();
    match &mut other {
        Item::Chat(chat) => chat.event_id = EventId::generate(),
        Item::Message(message) => message.event_id = EventId::generate(),
    }
    other
}

/// A chat and its messages from 1.
pub(crate) fn chat_with_messages(application: u64, number: u64, messages: u64) -> Vec<Item> {
    std::iter::once(chat(application, number))
        .chain((1..=messages).map(|message_number| message(application, number, message_number)))
        .collect()
}
