//! The numbering's generation.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A generation of counters. MySQL gives the numbers, from 1, upwards; whoever finds Redis' counters lost or doubtful opens the
/// next one. Every message in the queues says in which epoch its number was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(u64);

impl Epoch {
    /// Wraps the number that MySQL gave.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The epoch's number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
