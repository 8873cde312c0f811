//! How much the clients of a history do. It decides nothing about what they do it to.

use std::time::Duration;

/// How much the clients do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Clients, each with one call at a time; at most 60,000.
    pub(crate) clients: u16,
    pub(crate) applications: u16,
    /// Chats that are there before the clients begin.
    pub(crate) chats: usize,
    /// Chats beyond which no more are made.
    pub(crate) most_chats: usize,
    /// How long each client rests between its calls.
    pub(crate) pause: Duration,
    /// What decides all that is left to chance; what comes of it depends on the system too.
    pub(crate) seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { clients: 48, applications: 2, chats: 8, most_chats: 40, pause: Duration::ZERO, seed: 1 }
    }
}
