//! Sends the plays: applications, then chats, then messages, each concurrently, and remembers which text got which number.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use client::{Client, Created};
use domain::MessageBody;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::oneshot;

use super::plays::{Play, Scene};
use super::sent::{Application, Chat};
use crate::progress::Progress;

/// The first message that was accepted, for those who wait to see it.
pub(crate) struct First {
    pub(crate) token: String,
    pub(crate) chat: u64,
    pub(crate) number: u64,
    pub(crate) text: String,
    pub(crate) at: Instant,
}

/// All that was accepted.
pub(crate) struct Loaded {
    pub(crate) applications: Vec<Application>,
    /// When the first message was sent.
    pub(crate) began: Instant,
    /// From then to the last message's answer.
    pub(crate) took: Duration,
}

/// Sends the plays with so many requests at once, and tells of the first message as soon as it is accepted.
///
/// # Errors
/// When a creation is refused, or not accepted within the client's patience.
pub(crate) async fn load(client: &Client, plays: &[Play], concurrency: usize, first: oneshot::Sender<First>) -> Result<Loaded> {
    let mut applications = send_applications(client, plays, concurrency).await?;
    send_chats(client, plays, &mut applications, concurrency).await?;
    let began = Instant::now();
    send_messages(client, plays, &mut applications, concurrency, first).await?;
    Ok(Loaded { applications, began, took: began.elapsed() })
}

async fn send_applications(client: &Client, plays: &[Play], concurrency: usize) -> Result<Vec<Application>> {
    let progress = Progress::new("applications accepted", plays.len());
    let sends = plays.iter().map(async |play| {
        let token = client.create_application(play.title.as_str()).await?.token;
        progress.advance();
        anyhow::Ok(Application { token, chats: Vec::new(), unsure: Vec::new() })
    });
    stream::iter(sends).buffered(concurrency).try_collect().await
}

async fn send_chats(client: &Client, plays: &[Play], applications: &mut [Application], concurrency: usize) -> Result<()> {
    let scenes = scenes(plays);
    let progress = Progress::new("chats accepted", scenes.len());
    let tokens: Vec<String> = applications.iter().map(|application| application.token.clone()).collect();
    let sends = scenes.iter().map(async |(play, scene)| {
        let created = client.create_chat(&tokens[*play], Some(scene.name.as_str())).await?;
        progress.advance();
        anyhow::Ok(created)
    });
    let created: Vec<Created> = stream::iter(sends).buffered(concurrency).try_collect().await?;
    for ((play, scene), created) in scenes.iter().zip(created) {
        let name = scene.name.as_str().to_owned();
        let application = &mut applications[*play];
        application.unsure.extend(std::iter::repeat_n(name.clone(), created.unsure));
        application.chats.push(Chat { number: created.number, name, texts: BTreeMap::new(), unsure: Vec::new() });
    }
    Ok(())
}

/// A message to be sent.
struct Outgoing<'a> {
    token: String,
    /// The chat's place among all chats, and its number.
    place: usize,
    chat: u64,
    body: &'a MessageBody,
}

async fn send_messages(
    client: &Client,
    plays: &[Play],
    applications: &mut [Application],
    concurrency: usize,
    first: oneshot::Sender<First>,
) -> Result<()> {
    let outgoing = outgoing(plays, applications);
    let progress = Progress::new("messages accepted", outgoing.len());
    let sends = outgoing.iter().map(async |message| {
        let created = client.create_message(&message.token, message.chat, message.body.as_str()).await?;
        progress.advance();
        anyhow::Ok((message, created, Instant::now()))
    });
    let mut answers = stream::iter(sends).buffer_unordered(concurrency);
    let mut first = Some(first);
    let mut chats: Vec<&mut Chat> = applications.iter_mut().flat_map(|application| &mut application.chats).collect();
    while let Some((message, created, at)) = answers.try_next().await? {
        if let Some(first) = first.take() {
            // Whoever waited for it may have given up.
            let _ = first.send(message.accepted(&created, at));
        }
        let chat = &mut chats[message.place];
        let text = message.body.as_str().to_owned();
        chat.unsure.extend(std::iter::repeat_n(text.clone(), created.unsure));
        if chat.texts.insert(created.number, text).is_some() {
            anyhow::bail!("number {} of {} was given twice", created.number, chat.label());
        }
    }
    Ok(())
}

impl Outgoing<'_> {
    fn accepted(&self, created: &Created, at: Instant) -> First {
        First { token: self.token.clone(), chat: self.chat, number: created.number, text: self.body.as_str().to_owned(), at }
    }
}

/// All messages, the first of every chat before the second of any: all chats are talked in at once, and a chat's messages
/// keep about the play's order.
fn outgoing<'a>(plays: &'a [Play], applications: &[Application]) -> Vec<Outgoing<'a>> {
    let chats = super::sent::chats(applications);
    let mut messages = Vec::new();
    for (place, ((_, scene), (token, chat))) in scenes(plays).into_iter().zip(chats).enumerate() {
        let ordered = scene.speeches.iter().enumerate();
        messages
            .extend(ordered.map(|(order, body)| (order, Outgoing { token: token.to_owned(), place, chat: chat.number, body })));
    }
    messages.sort_by_key(|(order, _)| *order);
    messages.into_iter().map(|(_, message)| message).collect()
}

/// Every scene with its play's place among the plays.
fn scenes(plays: &[Play]) -> Vec<(usize, &Scene)> {
    let numbered = plays.iter().enumerate();
    numbered.flat_map(|(place, play)| play.scenes.iter().map(move |scene| (place, scene))).collect()
}
