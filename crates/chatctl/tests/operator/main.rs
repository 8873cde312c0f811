//! The operator's command as a process, on a running system.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod completions;
mod dead;
mod partitions;
mod printing;
mod process;
mod reindex;
mod restored;
mod verify;
mod world;
