//! Compares all that the lists show with what was sent.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use client::Client;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::sent::{Application, Chat};
use super::{PAGE, READS_AT_ONCE};
use crate::progress::Progress;

/// What the comparison found.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// Messages that are as they were sent.
    pub(crate) same: u64,
    /// Chats and messages of requests whose answer was lost: stored, but under numbers that nobody was told.
    pub(crate) unsure: u64,
    /// A sentence each.
    pub(crate) differences: Vec<String>,
}

/// Reads every list to its end. What turns out to be stored without an answer joins the texts that are known.
pub(crate) async fn compare(client: &Client, applications: &mut [Application]) -> Result<Compared> {
    let mut total = Compared::default();
    for application in applications.iter() {
        total.add(compare_chats(client, application).await?);
    }
    let progress = Progress::new("chats compared", applications.iter().map(|application| application.chats.len()).sum());
    let chats = applications.iter_mut().flat_map(|application| {
        let token = application.token.as_str();
        application.chats.iter_mut().map(move |chat| (token, chat))
    });
    let comparisons = chats.map(async |(token, chat)| {
        let listed = client.messages(token, chat.number).limit(PAGE).all().await?.entries;
        progress.advance();
        anyhow::Ok(compare_messages(chat, listed.into_iter().map(|message| (message.number, message.body))))
    });
    let mut compared = stream::iter(comparisons).buffer_unordered(READS_AT_ONCE);
    while let Some(chat) = compared.try_next().await? {
        total.add(chat);
    }
    Ok(total)
}

impl Compared {
    fn add(&mut self, other: Self) {
        self.same += other.same;
        self.unsure += other.unsure;
        self.differences.extend(other.differences);
    }
}

async fn compare_chats(client: &Client, application: &Application) -> Result<Compared> {
    let listed = client.chats(&application.token).limit(PAGE).all().await?.entries;
    let listed = listed.into_iter().map(|chat| (chat.number, chat.name.unwrap_or_default()));
    let sent: BTreeMap<u64, &str> = application.chats.iter().map(|chat| (chat.number, chat.name.as_str())).collect();
    let (compared, _) = differences(&sent, listed, &application.unsure, "chat", "the list of chats");
    Ok(Compared { same: 0, ..compared })
}

fn compare_messages(chat: &mut Chat, listed: impl Iterator<Item = (u64, String)>) -> Compared {
    let sent = chat.texts.iter().map(|(number, text)| (*number, text.as_str())).collect();
    let (compared, found) = differences(&sent, listed, &chat.unsure, "message", &chat.label());
    chat.texts.extend(found);
    compared
}

/// Compares a list with what was sent; with what is listed beyond that and was in doubt.
fn differences(
    sent: &BTreeMap<u64, &str>,
    listed: impl Iterator<Item = (u64, String)>,
    unsure: &[String],
    what: &str,
    place: &str,
) -> (Compared, Vec<(u64, String)>) {
    let mut compared = Compared::default();
    let mut unsure: Vec<&String> = unsure.iter().collect();
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (number, text) in listed {
        if seen.last().is_some_and(|last| *last >= number) {
            compared.differences.push(format!("{what} {number} of {place} is listed twice or out of order"));
            continue;
        }
        seen.insert(number);
        match sent.get(&number) {
            Some(expected) if *expected == text => compared.same += 1,
            Some(_) => compared.differences.push(format!("{what} {number} of {place} has another text")),
            None => match unsure.iter().position(|candidate| **candidate == text) {
                Some(position) => {
                    unsure.swap_remove(position);
                    compared.unsure += 1;
                    found.push((number, text));
                }
                None => compared.differences.push(format!("{what} {number} of {place} was never sent")),
            },
        }
    }
    let missing = sent.keys().filter(|number| !seen.contains(number));
    compared.differences.extend(missing.map(|number| format!("{what} {number} of {place} is missing")));
    (compared, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat() -> Chat {
        let texts = [(1, "one"), (2, "two"), (4, "four")].map(|(number, text)| (number, text.to_owned()));
        Chat { number: 7, name: "Scene".to_owned(), texts: texts.into(), unsure: vec!["four".to_owned()] }
    }

    fn listed(messages: &[(u64, &str)]) -> impl Iterator<Item = (u64, String)> {
        messages.iter().map(|(number, body)| (*number, (*body).to_owned()))
    }

    #[test]
    fn what_is_listed_as_it_was_sent_is_no_difference() {
        let compared = compare_messages(&mut chat(), listed(&[(1, "one"), (2, "two"), (4, "four")]));
        assert_eq!((compared.same, compared.unsure, compared.differences), (3, 0, vec![]));
    }

    #[test]
    fn a_text_whose_answer_was_lost_may_be_there_once_more_and_is_known_from_then_on() {
        let mut chat = chat();
        let compared = compare_messages(&mut chat, listed(&[(1, "one"), (2, "two"), (3, "four"), (4, "four"), (5, "four")]));
        assert_eq!((compared.same, compared.unsure), (3, 1));
        assert_eq!(compared.differences, ["message 5 of chat 7 (Scene) was never sent"]);
        assert_eq!(chat.texts[&3], "four");
    }

    #[test]
    fn every_other_deviation_is_one_difference() {
        let compared = compare_messages(&mut chat(), listed(&[(2, "TWO"), (2, "two"), (1, "one"), (9, "nine")]));
        assert_eq!(
            compared.differences,
            [
                "message 2 of chat 7 (Scene) has another text",
                "message 2 of chat 7 (Scene) is listed twice or out of order",
                "message 1 of chat 7 (Scene) is listed twice or out of order",
                "message 9 of chat 7 (Scene) was never sent",
                "message 1 of chat 7 (Scene) is missing",
                "message 4 of chat 7 (Scene) is missing",
            ]
        );
    }
}
