//! Which chats the creates go to, and what each of them says.

use std::net::SocketAddr;

use client::{Client, Options};
use domain::{ApplicationToken, ChatNumber};
use serde::Deserialize;

/// An application with its chats, made through the system's own ports.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) token: ApplicationToken,
    pub(crate) chats: Vec<ChatNumber>,
    paths: Vec<String>,
}

/// The number in an answer to a create.
#[derive(Deserialize)]
pub(crate) struct NumberAnswer {
    pub(crate) number: u64,
}

impl Scenario {
    /// Creates an application with `chats` chats.
    pub(crate) async fn create(name: &'static str, chats: usize, api: SocketAddr, ingest: SocketAddr) -> anyhow::Result<Self> {
        let client = Client::new(&format!("http://{api}"), &format!("http://{ingest}"), Options::default())?;
        let token = client.create_application(&format!("load: {name}")).await?.token;
        let mut numbers = Vec::with_capacity(chats);
        for _ in 0..chats {
            numbers.push(ChatNumber::new(client.create_chat(&token, None).await?.number)?);
        }
        let paths = numbers.iter().map(|chat| format!("/applications/{token}/chats/{chat}/messages")).collect();
        Ok(Self { name, token: ApplicationToken::parse(&token)?, chats: numbers, paths })
    }

    /// The chat that a client's `sequence`-th create goes to.
    pub(crate) fn chat(&self, sender: Sender, sequence: u32) -> usize {
        (sender.client as usize + sequence as usize * 7) % self.chats.len()
    }

    /// The path of a chat's messages.
    pub(crate) fn path(&self, chat: usize) -> &str {
        &self.paths[chat]
    }
}

/// Who sends: which of the run's clients, in which run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Sender {
    pub(crate) run: u32,
    pub(crate) client: u32,
}

/// The text of a client's `sequence`-th create: no two are alike, so a stored text tells which create it came from.
pub(crate) fn text(sender: Sender, sequence: u32) -> String {
    format!("run {} client {} says for the {sequence}th time that all the world's a stage", sender.run, sender.client)
}
