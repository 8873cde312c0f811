//! The three entities as they are stored and read.
//!
//! They carry no serialisation: how an entity looks in an answer is the api's business, in a queue the events' business.

use crate::{ApplicationId, ApplicationName, ApplicationToken, ChatName, ChatNumber, MessageBody, MessageNumber, Timestamp};

/// A tenant: what a client program creates first, and what holds its chats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The row's key; never shown.
    pub id: ApplicationId,
    /// The secret by which clients name it.
    pub token: ApplicationToken,
    /// What its client calls it.
    pub name: ApplicationName,
    /// Chats stored at the last count; lags by at most the count job's interval.
    pub chats_count: u64,
    /// Edits, from 1.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When a client last changed it.
    pub updated_at: Timestamp,
}

/// A numbered room of messages in an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// Its number in the application.
    pub number: ChatNumber,
    /// Its name, if it was given one.
    pub name: Option<ChatName>,
    /// Messages stored at the last count; lags by at most the count job's interval.
    pub messages_count: u64,
    /// Edits, from 1.
    pub version: u64,
    /// When its creation was accepted.
    pub created_at: Timestamp,
    /// When a client last changed it.
    pub updated_at: Timestamp,
}

/// A numbered text in a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number in the chat.
    pub number: MessageNumber,
    /// The text.
    pub body: MessageBody,
    /// Edits, from 1.
    pub version: u64,
    /// When its creation was accepted.
    pub created_at: Timestamp,
    /// When a client last changed it.
    pub updated_at: Timestamp,
}
