//! Waits until what was accepted shows: in the lists, and in searches of the index. Each wait has a
//! deadline; what does not show by then is told as a difference, so that the comparison still comes to it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::oneshot;

use super::client::{Client, READS_AT_ONCE};
use super::compare::Message;
use super::fragments;
use super::load::First;
use super::progress::Progress;
use super::searches;
use super::sent::{self, Application, Chat};

/// How long all together may take to be stored, and then to be searchable.
const DEADLINE: Duration = Duration::from_secs(120);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// For the one message that is timed.
const BETWEEN_CLOSE_LOOKS: Duration = Duration::from_millis(20);
/// Every speech has it, so a search for it lists the chat as far as it is indexed. (Batches need not be indexed in order.)
const COMMON: &str = " ";

/// What came of waiting for all chats.
#[derive(Debug, Default)]
pub(crate) struct Waited {
    /// Messages of the chats that showed all of theirs.
    pub(crate) shown: u64,
    /// A sentence for each other chat.
    pub(crate) differences: Vec<String>,
}

/// Waits until every chat's list reaches its last message.
pub(crate) async fn stored(client: &Client, applications: &[Application]) -> Result<Waited> {
    each_chat("chats stored", applications, "is not all stored", async |token, chat, deadline| {
        let Some(&last) = chat.texts.keys().last() else { return Ok(true) };
        let after = (last - 1).to_string();
        let query = [("after", after.as_str()), ("limit", "1")];
        until(deadline, BETWEEN_LOOKS, async || shows(client, &chat.messages(token), &query, last).await).await
    })
    .await
}

/// Waits until the index finds the last message of every chat, and all those before it.
pub(crate) async fn searchable(client: &Client, applications: &[Application]) -> Result<Waited> {
    each_chat("chats searchable", applications, "is not all searchable", async |token, chat, deadline| {
        let Some((&last, text)) = chat.texts.last_key_value() else { return Ok(true) };
        let messages = chat.messages(token);
        let expected = searches::expected(chat, COMMON)?;
        Ok(found(client, &messages, last, text, deadline, BETWEEN_LOOKS).await?
            && until(deadline, BETWEEN_LOOKS, async || finds_all(client, &messages, &expected).await).await?)
    })
    .await
}

/// How long after its acceptance the index found the first message.
pub(crate) async fn first_searchable(client: &Client, first: oneshot::Receiver<First>) -> Result<Duration> {
    let first = first.await.context("no message was accepted")?;
    let messages = sent::messages_path(&first.token, first.chat);
    let deadline = first.at + DEADLINE;
    let is_found = found(client, &messages, first.number, &first.text, deadline, BETWEEN_CLOSE_LOOKS).await?;
    ensure!(is_found, "the first message is not found after {} s", DEADLINE.as_secs());
    Ok(first.at.elapsed())
}

async fn found(client: &Client, messages: &str, number: u64, text: &str, deadline: Instant, pause: Duration) -> Result<bool> {
    let path = format!("{messages}/search");
    let after = (number - 1).to_string();
    let fragment = fragments::some(text);
    let query = [("query", fragment.as_str()), ("after", after.as_str()), ("limit", "1")];
    until(deadline, pause, async || shows(client, &path, &query, number).await).await
}

/// Whether the index finds all these messages, which have the common text.
async fn finds_all(client: &Client, messages: &str, expected: &BTreeSet<u64>) -> Result<bool> {
    let query = [("query", COMMON), ("limit", "100")];
    let found = client.whole_list::<Message>(&format!("{messages}/search"), &query).await?;
    let numbers = found.items.iter().map(|message| message.number).collect();
    Ok(found.from_index && expected.is_subset(&numbers))
}

/// Whether the list's first message is this one. A search that was answered by scanning the chat does not count.
async fn shows(client: &Client, path: &str, query: &[(&str, &str)], number: u64) -> Result<bool> {
    let page = client.list::<Message>(path, query).await?;
    let is_search = path.ends_with("/search");
    Ok(page.is_some_and(|page| {
        let is_there = page.items.first().is_some_and(|message| message.number == number);
        is_there && (page.from_index || !is_search)
    }))
}

async fn each_chat(
    label: &'static str,
    applications: &[Application],
    failing: &str,
    wait: impl AsyncFn(&str, &Chat, Instant) -> Result<bool>,
) -> Result<Waited> {
    let deadline = Instant::now() + DEADLINE;
    let chats = sent::chats(applications);
    let progress = Progress::new(label, chats.len());
    let waits = chats.iter().map(async |(token, chat)| {
        let is_there = wait(token, chat, deadline).await?;
        progress.advance();
        anyhow::Ok((*chat, is_there))
    });
    let mut waits = stream::iter(waits).buffer_unordered(READS_AT_ONCE);
    let mut waited = Waited::default();
    while let Some((chat, is_there)) = waits.try_next().await? {
        if is_there {
            waited.shown += chat.texts.len() as u64;
        } else {
            waited.differences.push(format!("{} {failing} after {} s", chat.label(), DEADLINE.as_secs()));
        }
    }
    Ok(waited)
}

/// Looks, at least once, until it holds or the time is over; whether it holds.
async fn until(deadline: Instant, pause: Duration, holds: impl AsyncFn() -> Result<bool>) -> Result<bool> {
    while !holds().await? {
        if Instant::now() > deadline {
            return Ok(false);
        }
        tokio::time::sleep(pause).await;
    }
    Ok(true)
}
