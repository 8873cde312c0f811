//! Waits until what was accepted shows: in the lists, and in searches of the index. Each wait has a
//! deadline; what does not show by then is told as a difference, so that the comparison still comes to it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use client::{Client, List, Message, SearchSource};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::oneshot;

use super::fragments;
use super::load::First;
use super::searches;
use super::sent::{self, Application, Chat};
use super::{PAGE, READS_AT_ONCE};
use crate::progress::Progress;

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
        let look = async || Ok(first(client.messages(token, chat.number), last).await?.is_some());
        until(deadline, BETWEEN_LOOKS, look).await
    })
    .await
}

/// Waits until the index finds the last message of every chat, and all those before it.
pub(crate) async fn searchable(client: &Client, applications: &[Application]) -> Result<Waited> {
    each_chat("chats searchable", applications, "is not all searchable", async |token, chat, deadline| {
        let Some((&last, text)) = chat.texts.last_key_value() else { return Ok(true) };
        let expected = searches::expected(chat, COMMON)?;
        let place = Place { client, token, chat: chat.number };
        Ok(place.finds(last, text, deadline, BETWEEN_LOOKS).await?
            && until(deadline, BETWEEN_LOOKS, async || place.finds_all(&expected).await).await?)
    })
    .await
}

/// How long after its acceptance the index found the first message.
pub(crate) async fn first_searchable(client: &Client, first: oneshot::Receiver<First>) -> Result<Duration> {
    let first = first.await.context("no message was accepted")?;
    let place = Place { client, token: &first.token, chat: first.chat };
    let is_found = place.finds(first.number, &first.text, first.at + DEADLINE, BETWEEN_CLOSE_LOOKS).await?;
    ensure!(is_found, "the first message is not found after {} s", DEADLINE.as_secs());
    Ok(first.at.elapsed())
}

/// The chat in which searches are made.
struct Place<'a> {
    client: &'a Client,
    token: &'a str,
    chat: u64,
}

impl Place<'_> {
    /// Waits until the index finds this message. A search that was answered by scanning the chat does not count.
    async fn finds(&self, number: u64, text: &str, deadline: Instant, pause: Duration) -> Result<bool> {
        let fragment = fragments::some(text);
        let look = async || {
            let search = self.client.search(self.token, self.chat, &fragment);
            Ok(first(search, number).await? == Some(Some(SearchSource::Index)))
        };
        until(deadline, pause, look).await
    }

    /// Whether the index finds all these messages, which have the common text.
    async fn finds_all(&self, expected: &BTreeSet<u64>) -> Result<bool> {
        let found = self.client.search(self.token, self.chat, COMMON).limit(PAGE).all().await?;
        let numbers = found.entries.iter().map(|message| message.number).collect();
        Ok(found.source == Some(SearchSource::Index) && expected.is_subset(&numbers))
    }
}

/// Where the list was read from, if this message is in it.
async fn first(list: List<Message>, number: u64) -> Result<Option<Option<SearchSource>>> {
    let page = list.after(number - 1).limit(1).page().await?.stored();
    let page = page.filter(|page| page.entries.first().is_some_and(|message| message.number == number));
    Ok(page.map(|page| page.source))
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
