//! What was sent, as the answers told it: which number each text got.

use std::collections::BTreeMap;

/// An application: a play that was sent.
pub(crate) struct Application {
    pub(crate) token: String,
    pub(crate) chats: Vec<Chat>,
    /// Names of chats that were sent once more because an answer was lost.
    pub(crate) unsure: Vec<String>,
}

/// A chat: a scene that was sent.
pub(crate) struct Chat {
    pub(crate) number: u64,
    pub(crate) name: String,
    /// The text of each number that was given.
    pub(crate) texts: BTreeMap<u64, String>,
    /// Texts that were sent once more because an answer was lost: they may be stored under a number that nobody was told.
    pub(crate) unsure: Vec<String>,
}

impl Chat {
    /// How people find it: the application's token is not for showing.
    pub(crate) fn label(&self) -> String {
        format!("chat {} ({})", self.number, self.name)
    }
}

/// Every chat with its application's token.
pub(crate) fn chats(applications: &[Application]) -> Vec<(&str, &Chat)> {
    applications.iter().flat_map(|application| application.chats.iter().map(|chat| (application.token.as_str(), chat))).collect()
}
