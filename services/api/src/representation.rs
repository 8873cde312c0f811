//! How the entities look in answers. No database id is among the fields.

use std::ops::Range;

use domain::{Application, Chat, Message, Timestamp};
use serde::Serialize;
use service::openapi::schemas;
use utoipa::ToSchema;

/// An application as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Application)]
pub(crate) struct ApplicationBody {
    #[schema(schema_with = schemas::token)]
    token: String,
    #[schema(schema_with = schemas::name)]
    name: String,
    /// Brought up to date every hour.
    #[schema(schema_with = schemas::count)]
    chats_count: u64,
    #[schema(schema_with = schemas::time)]
    created_at: Timestamp,
    #[schema(schema_with = schemas::time)]
    updated_at: Timestamp,
}

impl From<Application> for ApplicationBody {
    fn from(application: Application) -> Self {
        Self {
            token: application.token.to_string(),
            name: application.name.into(),
            chats_count: application.chats_count,
            created_at: application.created_at,
            updated_at: application.updated_at,
        }
    }
}

/// A chat as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Chat)]
pub(crate) struct ChatBody {
    #[schema(schema_with = schemas::number)]
    number: u64,
    #[schema(schema_with = schemas::optional_name)]
    name: Option<String>,
    /// Brought up to date every hour.
    #[schema(schema_with = schemas::count)]
    messages_count: u64,
    #[schema(schema_with = schemas::time)]
    created_at: Timestamp,
    #[schema(schema_with = schemas::time)]
    updated_at: Timestamp,
}

impl From<Chat> for ChatBody {
    fn from(chat: Chat) -> Self {
        Self {
            number: chat.number.get(),
            name: chat.name.map(String::from),
            messages_count: chat.messages_count,
            created_at: chat.created_at,
            updated_at: chat.updated_at,
        }
    }
}

/// A message as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageBody {
    #[schema(schema_with = schemas::number)]
    number: u64,
    #[schema(schema_with = schemas::body)]
    body: String,
    #[schema(schema_with = schemas::time)]
    created_at: Timestamp,
    #[schema(schema_with = schemas::time)]
    updated_at: Timestamp,
}

impl From<Message> for MessageBody {
    fn from(message: Message) -> Self {
        Self {
            number: message.number.get(),
            body: message.body.into(),
            created_at: message.created_at,
            updated_at: message.updated_at,
        }
    }
}

/// A message that a search has found.
#[derive(Serialize, ToSchema)]
#[schema(as = Hit)]
pub(crate) struct HitBody {
    #[serde(flatten)]
    message: MessageBody,
    /// Where the query stands in the body, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    highlights: Option<Vec<Highlight>>,
}

/// A half-open range of positions in a body, in the unit that was asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Highlight {
    start: usize,
    end: usize,
}

impl HitBody {
    pub(crate) fn new(message: Message, highlights: Option<Vec<Range<usize>>>) -> Self {
        let highlight = |Range { start, end }: Range<usize>| Highlight { start, end };
        let highlights = highlights.map(|ranges| ranges.into_iter().map(highlight).collect());
        Self { message: MessageBody::from(message), highlights }
    }
}

/// What stands for something that was accepted and is not stored yet.
#[derive(Serialize, ToSchema)]
#[schema(as = Pending)]
pub(crate) struct PendingBody {
    #[schema(schema_with = schemas::number)]
    pub(crate) number: u64,
    /// `accepted`
    pub(crate) status: &'static str,
}
