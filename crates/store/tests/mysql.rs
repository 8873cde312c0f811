//! The suite against MySQL.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod suite;

/// The environment variable that names the server.
const SERVER: &str = "DATABASE_URL";
