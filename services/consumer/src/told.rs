//! What became of a dead letter, in the words in which operators are told. They name events and reasons, never a client's text.

use std::fmt;

use store::dead_letters::{Resolution, Resolved};

use crate::{discard::Discarded, retry::Retried};

impl Retried {
    /// Whether all that the letter holds is stored.
    pub fn is_stored(&self) -> bool {
        match self {
            Self::Stored { .. } => true,
            Self::Before(resolved) => resolved.resolution == Resolution::Stored,
            Self::Missing | Self::Erased | Self::Split { .. } | Self::Refused { .. } => false,
        }
    }
}

impl fmt::Display for Retried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such letter"),
            Self::Erased => f.write_str("discarded, and its payload erased: there is nothing to store"),
            Self::Before(resolved) => write!(f, "{} already", resolved.resolution.as_str()),
            Self::Stored { items: 0, .. } => f.write_str("resolved: it asks for nothing any more"),
            Self::Stored { new: 0, .. } => f.write_str("stored already"),
            Self::Stored { items, .. } => write!(f, "stored: {}", Items(*items)),
            Self::Split { stored, letters } => {
                let others = letters.join("; ");
                write!(f, "split: {} stored, each other is a letter of its own: {others}", Items(*stored))
            }
            Self::Refused { reason, detail } => write!(f, "refused, {}: {detail}", reason.as_str()),
        }
    }
}

impl Discarded {
    /// Whether the letter is let go.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

impl fmt::Display for Discarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such letter"),
            Self::Left(Resolved { resolution, at }) => write!(f, "left as it is: {} at {at}", resolution.as_str()),
            Self::Done { before, erased } => {
                f.write_str(if *before { "discarded already" } else { "discarded" })?;
                f.write_str(if *erased { "; its payload is erased" } else { "" })
            }
        }
    }
}

/// `1 item`, `2 items`.
struct Items(usize);

impl fmt::Display for Items {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "item" } else { "items" })
    }
}
