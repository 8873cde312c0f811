//! The name of one create: what tells a redelivery of the same event from another event with the same number.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A UUID of version 7 (RFC 9562): random, and roughly in the order of creation, which keeps it legible to operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

impl EventId {
    /// A new name, never given before.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// Reads the 16 bytes that [`EventId::as_bytes`] gave.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes that tables keep.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
