//! What a link is told by its owner, who has it from the configuration.

use std::time::Duration;

/// What a link is told beside its greeting.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What the connection is for, in logs.
    pub purpose: &'static str,
    /// The gauge that is 1 while there is a connection, else 0.
    pub gauge: &'static str,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long the other end may take to answer the greeting.
    pub greeting_timeout: Duration,
}
