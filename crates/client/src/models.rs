//! The entities, in the API's terms. Fields that a later version of the API adds are passed over.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// An application.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Application {
    /// What its clients need to use it: a secret.
    pub token: String,
    /// 1 to 255 characters.
    pub name: String,
    /// Chats in it; lags by at most the count job's interval.
    pub chats_count: u64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl fmt::Debug for Application {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application").field("name", &self.name).field("chats_count", &self.chats_count).finish_non_exhaustive()
    }
}

/// A chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chat {
    /// Its number within the application, from 1.
    pub number: u64,
    /// 1 to 255 characters, if it has one.
    pub name: Option<String>,
    /// Messages in it; lags by at most the count job's interval.
    pub messages_count: u64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A message.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// Its number within the chat, from 1.
    pub number: u64,
    /// 1 to 10,000 characters.
    pub body: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl fmt::Debug for Message {
    /// Without the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("number", &self.number).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// A create that was accepted: it is, or will be, stored under its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Created {
    /// The number that it was given.
    pub number: u64,
    /// Whether an earlier attempt of the same call had been accepted, and this is its number.
    pub replayed: bool,
    /// Attempts before the accepted one of which it is not known whether they were accepted. A service that knows idempotency
    /// keys gives all attempts of a call one number; with one that does not, each of these may be stored under a number of its
    /// own.
    pub unsure: usize,
}

/// What a read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It is stored.
    Stored(T),
    /// It was accepted and may not be stored yet: ask again.
    Pending,
}

impl<T> Lookup<T> {
    /// What is stored, if it is.
    pub fn stored(self) -> Option<T> {
        match self {
            Self::Stored(found) => Some(found),
            Self::Pending => None,
        }
    }
}
