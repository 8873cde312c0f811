//! Searches every chat for fragments of its words, and compares what is found with what the rule of the search says.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use client::{Client, SearchSource};
use futures_util::{StreamExt, TryStreamExt, stream};
use search::Query;

use super::fragments;
use super::sent::{self, Application, Chat};
use super::{PAGE, READS_AT_ONCE};
use crate::progress::Progress;

/// What the searches found.
#[derive(Debug, Default)]
pub(crate) struct Searched {
    /// Searches done.
    pub(crate) searches: u64,
    /// Messages found by them.
    pub(crate) hits: u64,
    /// Searches that were answered by scanning the chat, because the index was not there.
    pub(crate) scanned: u64,
    /// A sentence each.
    pub(crate) differences: Vec<String>,
}

/// Does the searches of every chat.
pub(crate) async fn search(client: &Client, applications: &[Application]) -> Result<Searched> {
    let chats = sent::chats(applications);
    let progress = Progress::new("chats searched", chats.len());
    let searches = chats.iter().map(async |(token, chat)| {
        let searched = search_chat(client, token, chat).await?;
        progress.advance();
        anyhow::Ok(searched)
    });
    let mut searched = stream::iter(searches).buffer_unordered(READS_AT_ONCE);
    let mut total = Searched::default();
    while let Some(chat) = searched.try_next().await? {
        total.searches += chat.searches;
        total.hits += chat.hits;
        total.scanned += chat.scanned;
        total.differences.extend(chat.differences);
    }
    Ok(total)
}

async fn search_chat(client: &Client, token: &str, chat: &Chat) -> Result<Searched> {
    let texts: Vec<&str> = chat.texts.values().map(String::as_str).collect();
    let mut searched = Searched::default();
    for fragment in fragments::of(&texts) {
        let expected = expected(chat, &fragment)?;
        let found = client.search(token, chat.number, &fragment).limit(PAGE).all().await?;
        let numbers: Vec<u64> = found.entries.iter().map(|message| message.number).collect();
        searched.searches += 1;
        searched.hits += numbers.len() as u64;
        searched.scanned += u64::from(found.source != Some(SearchSource::Index));
        searched.differences.extend(difference(&expected, &numbers, &fragment, chat));
    }
    Ok(searched)
}

/// The messages that a search for the fragment must find.
pub(crate) fn expected(chat: &Chat, fragment: &str) -> Result<BTreeSet<u64>> {
    let query = Query::parse(fragment).with_context(|| format!("{fragment:?} cannot be searched for"))?;
    Ok(chat.texts.iter().filter(|(_, text)| query.matches(text)).map(|(number, _)| *number).collect())
}

fn difference(expected: &BTreeSet<u64>, found: &[u64], fragment: &str, chat: &Chat) -> Option<String> {
    if expected.iter().eq(found) {
        return None;
    }
    let place = chat.label();
    let missing: Vec<u64> = expected.iter().copied().filter(|number| !found.contains(number)).take(5).collect();
    let more: Vec<u64> = found.iter().copied().filter(|number| !expected.contains(number)).take(5).collect();
    Some(match (missing.is_empty(), more.is_empty()) {
        (true, true) => format!("a search for {fragment:?} in {place} finds messages twice or out of order"),
        (false, true) => format!("a search for {fragment:?} in {place} does not find {missing:?}"),
        (true, false) => format!("a search for {fragment:?} in {place} finds {more:?} for nothing"),
        (false, false) => format!("a search for {fragment:?} in {place} finds {more:?} instead of {missing:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat() -> Chat {
        let texts = [(1, "Good night,\nsweet prince"), (2, "GOODNIGHT"), (3, "ill NIGHT, sweet")];
        let texts = texts.map(|(number, text)| (number, text.to_owned())).into();
        Chat { number: 7, name: "Scene".to_owned(), texts, unsure: Vec::new() }
    }

    #[test]
    fn the_rule_of_the_search_says_what_is_expected() {
        assert_eq!(expected(&chat(), "IGHT, Swe").unwrap(), BTreeSet::from([1, 3]));
        assert_eq!(expected(&chat(), "dn").unwrap(), BTreeSet::from([2]));
        assert!(expected(&chat(), "").is_err());
    }

    #[test]
    fn results_must_be_complete_exact_and_in_order() {
        let expected = BTreeSet::from([1, 3]);
        assert_eq!(difference(&expected, &[1, 3], "x", &chat()), None);
        for (found, told) in [
            (&[3, 1][..], "out of order"),
            (&[1, 1, 3], "twice"),
            (&[1], "does not find [3]"),
            (&[1, 2, 3], "finds [2] for nothing"),
            (&[2, 3], "finds [2] instead of [1]"),
        ] {
            assert!(difference(&expected, found, "x", &chat()).unwrap().contains(told), "{found:?}");
        }
    }
}
