//! The HTTP API as a Rust client sees it: typed entities, typed problems, lists as streams, and retries that give no number
//! twice.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use client::{Client, Options};
//! use futures_util::TryStreamExt;
//!
//! let client = Client::new("http://127.0.0.1:3000", "http://127.0.0.1:8080", Options::default())?;
//! let application = client.create_application("demo").await?;
//! let chat = client.create_chat(&application.token, None).await?.number;
//! client.create_message(&application.token, chat, "Shall I compare thee to a summer’s day?").await?;
//! let mut hits = std::pin::pin!(client.search(&application.token, chat, "SUMM").stream());
//! while let Some(message) = hits.try_next().await? {
//!     println!("{}: {}", message.number, message.body);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The crate must know nothing of how the system works inside: it depends on no other crate of it. No error or debug output of it
//! holds a token or a text.

mod applications;
mod chats;
mod connection;
mod error;
mod list;
mod messages;
mod models;
mod options;
mod problem;
mod retry;
mod send;

pub use connection::Client;
pub use error::Error;
pub use list::{List, Page, SearchSource};
pub use models::{Application, Chat, Created, Lookup, Message};
pub use options::Options;
pub use problem::{FieldError, Problem};
