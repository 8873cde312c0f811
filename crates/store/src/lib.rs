//! The MySQL adapter: one file per table, free functions over an explicit [`Connection`].
//!
//! A service makes one [`Store`], [acquires](Store::acquire) a connection for a piece of work and passes it to the functions of
//! the tables' modules. What must happen together happens in a [`transaction`]. Every statement has a deadline, which the
//! connection itself keeps, and every failure is an [`Error`] whose [`kind`](Error::kind) says what to do about it.
//!
//! The schema is plain SQL in `migrations/`, embedded here and applied by [`migrate`]. All of it runs on MySQL 8.4 and 9 and on
//! MariaDB 10.11.
//!
//! # Isolation and the order of locks
//! Sessions run at READ COMMITTED: the gap locks of REPEATABLE READ make concurrent multi-row inserts wait for one another and
//! deadlock, and nothing here reads twice in one transaction and needs the same answer. What must not change between a read
//! and a write is locked row by row, by primary key. Reads for clients never lock.
//!
//! Writers insert rows first and dirty marks last, in the order of their keys; see [`counts`] for why that cannot deadlock with
//! the count job in the course of normal work, and why no count is lost.

pub mod applications;
pub mod chats;
mod connect;
mod connection;
pub mod counts;
pub mod dead_letters;
pub mod epochs;
mod error;
mod failure;
mod insert;
mod keys;
mod lock;
mod lookup;
pub mod messages;
mod meters;
mod migrate;
pub mod outbox;
mod paging;
pub mod partition_epochs;
mod pool;
mod range;
pub mod reindexes;
mod row;
mod schema;
mod settings;
mod statement;
mod transaction;
mod updated;
mod worker_pools;

pub use connection::Connection;
pub use error::{Error, ErrorKind};
pub use lookup::Lookup;
pub use migrate::{Applied, migrate};
pub use pool::{Pool, PooledConnection, Store};
pub use range::Range;
pub use settings::Settings;
pub use transaction::transaction;
pub use updated::Updated;
pub use worker_pools::WorkerPools;

/// Reads a column that holds the 16 bytes of an event's name.
fn event_id(table: &'static str, bytes: &[u8]) -> Result<domain::EventId, Error> {
    let bytes = bytes.try_into().map_err(|_| Error::Corrupt { table, key: None, invalid: None })?;
    Ok(domain::EventId::from_bytes(bytes))
}
