//! Which chats the creates go to, and what each of them says.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, ensure};
use bytes::Bytes;
use domain::{ApplicationToken, ChatNumber};
use hyper::StatusCode;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::connection::Connection;

/// An application with its chats, made through the system's own ports.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) token: ApplicationToken,
    pub(crate) chats: Vec<ChatNumber>,
    paths: Vec<String>,
}

#[derive(Deserialize)]
struct ApplicationAnswer {
    token: String,
}

/// The number in an answer to a create.
#[derive(Deserialize)]
pub(crate) struct NumberAnswer {
    pub(crate) number: u64,
}

impl Scenario {
    /// Creates an application with `chats` chats.
    pub(crate) async fn create(name: &'static str, chats: usize, api: SocketAddr, ingest: SocketAddr) -> anyhow::Result<Self> {
        let body = Bytes::from(format!("{{\"name\":\"load: {name}\"}}"));
        let (status, answer) = Connection::to(api).post("/applications", body).await?;
        ensure!(status == StatusCode::CREATED, "the application was answered {status}");
        let token = serde_json::from_slice::<ApplicationAnswer>(&answer)?.token;
        let mut connection = Connection::to(ingest);
        let mut numbers = Vec::with_capacity(chats);
        for _ in 0..chats {
            numbers.push(create_chat(&mut connection, &token).await?);
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

async fn create_chat(connection: &mut Connection, token: &str) -> anyhow::Result<ChatNumber> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let (status, answer) = connection.post(&format!("/applications/{token}/chats"), Bytes::new()).await?;
        if status == StatusCode::CREATED {
            let number = serde_json::from_slice::<NumberAnswer>(&answer).context("an answer without a number")?.number;
            return Ok(ChatNumber::new(number)?);
        }
        ensure!(status == StatusCode::SERVICE_UNAVAILABLE && Instant::now() < deadline, "a chat was answered {status}");
        sleep(Duration::from_millis(100)).await;
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
