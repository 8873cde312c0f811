//! Reads, updates and searches on port 3000; creates applications.
//!
//! The service answers from MySQL, which is the truth, and asks Elasticsearch only for numbers. It must never give a number,
//! never say 404 of something that may still come, and never show a database id.

mod access;
mod applications;
mod cached;
mod chats;
mod conditional;
mod config;
mod gaps;
mod kept;
mod messages;
mod openapi;
mod paging;
mod parameters;
mod path;
mod record;
mod representation;
mod rooms;
mod routes;
mod search;
mod sightings;
mod sought;
mod start;
mod state;
mod unbroken;
mod waiting;

pub use config::{Config, DEFAULT_PORT, Settings};
pub use routes::document as openapi;
pub use start::{Error, Running, start};
