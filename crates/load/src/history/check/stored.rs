//! Reads what MySQL holds of the history's applications.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use domain::{ApplicationId, ApplicationToken, ChatNumber, EventId, PageLimit, PageRequest};
use store::{
    Store, applications, chats,
    dead_letters::{self, DeadLetter},
    epochs, messages,
};

use crate::history::{
    clock::{Clock, Span},
    report::{Kind, Report},
    text::Words,
};

/// Messages read at a time.
const CHUNK: u32 = 2_000;
/// Chats and dead letters read at a time.
const PAGE: u64 = 100;
/// Epochs that are looked at: more than any run opens.
const EPOCHS: u32 = 100_000;
/// About how long before its row and after it an opening may begin and end: an attempt takes at most 5 s.
const OPENING: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(6));

/// A chat or a message as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) number: u64,
    /// Its name or text.
    pub(crate) words: Words,
}

/// An application as it is stored.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) id: ApplicationId,
    pub(crate) chats_count: u64,
    pub(crate) chats: Vec<Chat>,
}

/// A chat as it is stored.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) number: ChatNumber,
    pub(crate) name: Words,
    pub(crate) messages_count: u64,
}

/// An application and all of its chats, by number.
pub(crate) async fn application(store: &Store, token: ApplicationToken) -> anyhow::Result<Application> {
    let mut conn = store.acquire().await?;
    let found = applications::find(&mut conn, token).await?.context("an application of the history is gone")?;
    let mut stored = Application { id: found.id, chats_count: found.chats_count, chats: Vec::new() };
    loop {
        let after = stored.chats.last().map_or(0, |chat| chat.number.get());
        let request = PageRequest::After { after, limit: PageLimit::new(PAGE)? };
        let page = chats::list(&mut conn, found.id, request).await?;
        let read = page.entries.into_iter().map(|chat| Chat {
            number: chat.number,
            name: Words::of_name(chat.name.as_ref().map(domain::ChatName::as_str)),
            messages_count: chat.messages_count,
        });
        stored.chats.extend(read);
        if !page.has_next {
            return Ok(stored);
        }
    }
}

/// All messages of a chat, by number.
pub(crate) async fn messages(store: &Store, application: ApplicationId, chat: ChatNumber) -> anyhow::Result<Vec<Row>> {
    let mut conn = store.acquire().await?;
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let after = rows.last().map_or(0, |row| row.number);
        let read = messages::scan(&mut conn, application, chat, after, CHUNK).await?;
        if read.is_empty() {
            return Ok(rows);
        }
        rows.extend(
            read.iter().map(|message| Row { number: message.number.get(), words: Words::of_body(message.body.as_str()) }),
        );
    }
}

/// When the numbering began its epochs.
pub(crate) async fn epochs(store: &Store, clock: Clock) -> anyhow::Result<Vec<Span>> {
    let opened = epochs::history(&mut *store.acquire().await?, EPOCHS).await?;
    let (before, after) = OPENING;
    let span = |opened: epochs::Opened| {
        let at = clock.at_wall(SystemTime::from(opened.opened_at.to_datetime()));
        Span { start: at.before(before), end: at.after(after) }
    };
    Ok(opened.into_iter().map(span).collect())
}

/// The dead letters of these applications, and of none that can be told.
pub(crate) async fn dead_letters(store: &Store, ours: &[ApplicationId]) -> anyhow::Result<Vec<DeadLetter>> {
    let mut conn = store.acquire().await?;
    let mut letters = Vec::new();
    let mut after = 0;
    loop {
        let page = dead_letters::list(&mut conn, after, PAGE as u32).await?;
        let Some(last) = page.last() else { return Ok(letters) };
        after = last.id;
        let of_ours = |letter: &DeadLetter| letter.identity.application_id.is_none_or(|application| ours.contains(&application));
        letters.extend(page.into_iter().map(|stored| stored.letter).filter(of_ours));
    }
}

/// Each dead letter is a violation, other than those of `rivals`: of these each one that is missing is.
pub(crate) fn check_dead_letters(letters: &[DeadLetter], rivals: &[EventId], report: &mut Report) {
    let kept: HashSet<EventId> = letters.iter().filter_map(|letter| letter.identity.event_id).collect();
    for rival in rivals.iter().filter(|rival| !kept.contains(rival)) {
        report.violation(Kind::Lost, format!("event {rival}, whose number another has, is no dead letter"), None::<&str>);
    }
    let is_rival = |letter: &&DeadLetter| letter.identity.event_id.is_some_and(|event| rivals.contains(&event));
    for DeadLetter { identity, reason, detail, .. } in letters.iter().filter(|letter| !is_rival(letter)) {
        let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let (chat, message) = (number(identity.chat.map(u64::from)), number(identity.message.map(u64::from)));
        report.violation(Kind::DeadLetter, format!("{}: chat {chat}, message {message}", reason.as_str()), [detail]);
    }
}
