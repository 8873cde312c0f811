//! What looked wrong at a first look, kept until its second.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use search::Held;
use store::messages::Version;

use super::{keys::ChatKey, numbers::Gap};

/// What looked wrong at a first look.
pub(super) struct Look {
    at: Instant,
    /// The outbox's last row, asked for when the messages had been read.
    pub(super) outbox: Option<u64>,
    /// Messages that the index lacks or has in another version.
    pub(super) messages: Vec<Version>,
    /// Numbers that no message of a chat has.
    pub(super) message_gaps: Vec<Gap>,
    /// Numbers that no chat of an application has.
    pub(super) chat_gaps: Vec<Gap>,
    /// Chats that are not stored, and how many messages they have.
    pub(super) orphans: BTreeMap<ChatKey, u64>,
    /// Documents that stand for nothing.
    pub(super) strangers: Vec<Held>,
}

impl Look {
    fn nothing() -> Self {
        Self {
            at: Instant::now(),
            outbox: None,
            messages: Vec::new(),
            message_gaps: Vec::new(),
            chat_gaps: Vec::new(),
            orphans: BTreeMap::new(),
            strangers: Vec::new(),
        }
    }

    /// Numbers that no chat has.
    pub(super) fn chat_gaps(chat_gaps: Vec<Gap>) -> Self {
        Self { chat_gaps, ..Self::nothing() }
    }

    /// Documents that stand for nothing.
    pub(super) fn strangers(strangers: Vec<Held>) -> Self {
        Self { strangers, ..Self::nothing() }
    }

    /// How much of it there is.
    pub(super) fn len(&self) -> usize {
        self.messages.len() + self.message_gaps.len() + self.chat_gaps.len() + self.orphans.len() + self.strangers.len()
    }

    /// How long ago that was.
    pub(super) fn age(&self) -> Duration {
        self.at.elapsed()
    }
}
