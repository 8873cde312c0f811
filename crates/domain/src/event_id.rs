//! The name of one create: what tells a redelivery of the same event from another event with the same number.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

/// A UUID of version 7 (RFC 9562): random, and roughly in the order of creation, which keeps it legible to operators. What came
/// without one has one of version 8, made of [what it holds](EventId::of_digest).
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

    /// The name of the create at `index` of those that were accepted together under this name; the first keeps it. The same
    /// index always gives the same name: only random bits differ, so it is as surely another's as any two names differ.
    pub fn nth(self, index: u16) -> Self {
        Self(Uuid::from_u128(self.0.as_u128() ^ u128::from(index)))
    }

    /// The name of what came without one, from a digest of all that it holds: the same again has the same, and no create has it.
    pub fn of_digest(digest: [u8; 16]) -> Self {
        Self(Builder::from_custom_bytes(digest).into_uuid())
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_derived_from_one_are_many_and_always_the_same() {
        let (one, other) = (EventId::generate(), EventId::generate());
        assert_eq!(one.nth(0), one);
        let names: HashSet<_> = (0..500).flat_map(|index| [one.nth(index), other.nth(index)]).collect();
        assert_eq!(names.len(), 1000);
        assert!(names.iter().all(|name| name.0.get_version_num() == 7));
        assert_eq!(EventId::from_bytes(*one.as_bytes()).nth(499), one.nth(499));
    }

    #[test]
    fn a_name_made_of_a_digest_is_always_the_same_and_no_creates() {
        let name = EventId::of_digest([0xff; 16]);
        assert_eq!(name, EventId::of_digest([0xff; 16]));
        assert_ne!(name, EventId::of_digest([0xfe; 16]));
        assert_eq!((name.0.get_version_num(), EventId::generate().0.get_version_num()), (8, 7));
    }
}
