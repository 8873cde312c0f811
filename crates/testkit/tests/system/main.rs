//! The whole system over real servers: what its clients see, and what becomes of their messages when something breaks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod access;
mod answers;
mod api;
mod backup;
mod bad_input;
mod batch;
mod cached;
mod client;
mod conditional;
mod console;
mod counts;
mod cursors;
mod definitions;
mod idempotency;
mod ingest;
mod late_numbers;
mod limited_creates;
mod lists;
mod methods;
mod paging;
mod rate_limit;
mod read_your_write;
mod redis_loss;
mod restarts;
mod rights;
mod rolling;
mod search;
mod search_down;
mod slow_mysql;
mod stopping;
mod tidying;
mod tls;
mod topology;
mod traces;
mod two_primaries;
