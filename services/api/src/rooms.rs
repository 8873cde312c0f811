//! Chats that are known to be stored, and whose they are: what every page of messages has to know, and what never changes. Nothing
//! else of a chat may be remembered here, and no chat that is not stored.
//!
//! A MySQL that was put back to an older state may know less. Then the chat's list is empty and not a 404, until this process
//! starts anew: no application that is made later takes the place of another.

use domain::{ApplicationId, ApplicationToken, ChatNumber};
use moka::sync::Cache;

/// Some 200 bytes each.
const MOST: u64 = 20_000;

/// Those that were asked for most.
pub(crate) struct Rooms(Cache<(ApplicationToken, ChatNumber), ApplicationId>);

impl Rooms {
    pub(crate) fn new() -> Self {
        Self(Cache::new(MOST))
    }

    /// The application of a chat that is stored; `None` tells nothing.
    pub(crate) fn application_of(&self, token: ApplicationToken, chat: ChatNumber) -> Option<ApplicationId> {
        self.0.get(&(token, chat))
    }

    /// To be called when the chat was found.
    pub(crate) fn remember(&self, token: ApplicationToken, chat: ChatNumber, application: ApplicationId) {
        self.0.insert((token, chat), application);
    }
}
