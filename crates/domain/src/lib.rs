//! The entities of the chat system and what makes their parts valid.
//!
//! Values are parsed once, at the edge, into the types of this crate and are trusted from there on: a [`MessageBody`] in a
//! function's signature means that nobody needs to check its length again. The crate does no input or output and knows nothing
//! of HTTP, queues or tables, and must stay so: every other crate stands on it.

mod entity;
mod event_id;
mod idempotency_key;
mod invalid;
mod number;
mod page;
mod text;
mod timestamp;
mod token;

pub use entity::{Application, Chat, Message};
pub use event_id::EventId;
pub use idempotency_key::{IdempotencyKey, MAX_KEY_CHARS};
pub use invalid::{Field, Invalid, Rule};
pub use number::{ApplicationId, ChatNumber, MAX_NUMBER, MessageNumber};
pub use page::{DEFAULT_PAGE_LIMIT, MAX_PAGE, MAX_PAGE_LIMIT, Page, PageLimit, PageRequest};
pub use text::{ApplicationName, ChatName, MAX_BODY_BYTES, MAX_BODY_CHARS, MAX_NAME_CHARS, MessageBody};
pub use timestamp::Timestamp;
pub use token::ApplicationToken;
