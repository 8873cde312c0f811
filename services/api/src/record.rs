//! How an entity is written into the cache: with all that handlers need of it, the version included.

use domain::{
    Application, ApplicationId, ApplicationName, ApplicationToken, Chat, ChatName, ChatNumber, Message, MessageBody,
    MessageNumber, Timestamp,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// An entity in the cache.
pub(crate) trait Entity: Sized {
    type Record: Serialize + DeserializeOwned;

    fn record(&self) -> Self::Record;
    fn of_record(record: Self::Record) -> Option<Self>;
}

/// An entity with a number.
pub(crate) trait Numbered: Entity {
    fn number(&self) -> u64;
    fn created_at(&self) -> Timestamp;
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ApplicationRecord {
    id: ApplicationId,
    token: String,
    name: ApplicationName,
    chats_count: u64,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Entity for Application {
    type Record = ApplicationRecord;

    fn record(&self) -> ApplicationRecord {
        let Self { id, token, name, chats_count, version, created_at, updated_at } = self.clone();
        ApplicationRecord { id, token: token.to_string(), name, chats_count, version, created_at, updated_at }
    }

    fn of_record(record: ApplicationRecord) -> Option<Self> {
        let ApplicationRecord { id, token, name, chats_count, version, created_at, updated_at } = record;
        let token = ApplicationToken::parse(&token).ok()?;
        Some(Self { id, token, name, chats_count, version, created_at, updated_at })
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ChatRecord {
    number: ChatNumber,
    name: Option<ChatName>,
    messages_count: u64,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Entity for Chat {
    type Record = ChatRecord;

    fn record(&self) -> ChatRecord {
        let Self { number, name, messages_count, version, created_at, updated_at } = self.clone();
        ChatRecord { number, name, messages_count, version, created_at, updated_at }
    }

    fn of_record(record: ChatRecord) -> Option<Self> {
        let ChatRecord { number, name, messages_count, version, created_at, updated_at } = record;
        Some(Self { number, name, messages_count, version, created_at, updated_at })
    }
}

impl Numbered for Chat {
    fn number(&self) -> u64 {
        self.number.get()
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct MessageRecord {
    number: MessageNumber,
    body: MessageBody,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Entity for Message {
    type Record = MessageRecord;

    fn record(&self) -> MessageRecord {
        let Self { number, body, version, created_at, updated_at } = self.clone();
        MessageRecord { number, body, version, created_at, updated_at }
    }

    fn of_record(record: MessageRecord) -> Option<Self> {
        let MessageRecord { number, body, version, created_at, updated_at } = record;
        Some(Self { number, body, version, created_at, updated_at })
    }
}

impl Numbered for Message {
    fn number(&self) -> u64 {
        self.number.get()
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}
