//! What must hold on every server. Each test has a database of its own, so all run side by side.

mod applications;
mod audits;
mod chats;
mod connections;
mod counts;
mod dead_letters;
mod edits;
mod epochs;
mod errors;
mod inserts;
mod messages;
mod migrations;
mod outbox;
mod paging;
mod partition_epochs;
mod pool;
mod reindexes;
mod seeks;
mod support;
