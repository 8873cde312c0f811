//! Accepts creates on port 8080: number, publish, confirm, answer.
//!
//! The service only ever adds. It must never answer a create that the broker has not confirmed, and never wait for MySQL on the
//! way of a create whose counters are in place.

mod answers;
mod batch;
mod chats;
mod config;
mod key;
mod messages;
mod openapi;
mod origin;
mod routes;
mod start;
mod state;

pub use config::{Config, DEFAULT_PORT, Settings};
pub use routes::document as openapi;
pub use start::{Error, Running, start};
