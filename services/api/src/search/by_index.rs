//! Search by the index. It has seen every text but those edited in the last moments, and by their versions it is known which
//! these are: only such a text is held against the query once more. So what the index has not seen edited yet never shows, and a
//! search costs no folding of what it finds.

use std::collections::HashMap;

use ::search::{Cursor, Hit};
use domain::Message;
use problems::of_store;
use service::problem::Dependency;
use store::messages as rows;
use tokio::time::timeout_at;

use super::{
    Failed, Search,
    pages::{Hits, behind},
    patience::Patience,
};
use crate::state::State;

/// A page whose hits have been edited away is filled up by asking again, this often at most; then it stays short.
const ROUNDS: usize = 4;

/// The chat's highest number: the index is asked for none above it.
pub(super) async fn highest(state: &State, search: &Search, patience: &Patience) -> Result<u64, Failed> {
    let read = async {
        let mut conn = state.connection().await?;
        rows::highest(&mut conn, search.place.application_id, search.chat).await.map_err(of_store)
    };
    Ok(timeout_at(patience.reads_until(), read).await.map_err(|_| Failed::Source(Dependency::Mysql))??)
}

/// The hits next to the cursor, as many as are wanted.
pub(super) async fn by_index(
    state: &State,
    search: &Search,
    highest: u64,
    patience: &Patience,
    mut cursor: Cursor,
    wanted: usize,
) -> Result<Hits, Failed> {
    // One more than wanted tells whether there are more.
    let asked = wanted as u64 + 1;
    let mut messages = Vec::new();
    // How far the index has been asked, where it has more.
    let mut reached = None;
    for _ in 0..ROUNDS {
        let hits = state.index.search(search.place.application_id, search.chat, &search.query, cursor, highest, asked);
        let hits = match patience.with_index(hits).await {
            Some(Ok(hits)) => hits,
            Some(Err(error)) => {
                tracing::debug!(%error, "search failed");
                return Err(Failed::Source(Dependency::Elasticsearch));
            }
            None => return Err(Failed::Source(Dependency::Elasticsearch)),
        };
        let last = hits.last().map(|hit| hit.number.get()).filter(|_| hits.len() as u64 >= asked);
        let mut found = still_found(state, search, patience, cursor, &hits).await?;
        messages.append(&mut found.messages);
        reached = found.cut.or(last);
        match last {
            Some(last) if found.cut.is_none() && messages.len() <= wanted => cursor = behind(cursor, last),
            _ => break,
        }
    }
    Ok(Hits::of(messages, wanted, reached))
}

/// What is left of hits, in the order of the cursor.
struct Found {
    messages: Vec<Message>,
    /// The number up to which they were looked through, where time was not enough for all.
    cut: Option<u64>,
}

/// The hits as they are stored, without those whose text is another by now and does not match.
async fn still_found(state: &State, search: &Search, patience: &Patience, cursor: Cursor, hits: &[Hit]) -> Result<Found, Failed> {
    if hits.is_empty() {
        return Ok(Found { messages: Vec::new(), cut: None });
    }
    let numbers: Vec<_> = hits.iter().map(|hit| hit.number).collect();
    let read = async {
        let mut conn = state.connection().await?;
        rows::by_numbers(&mut conn, search.place.application_id, search.chat, &numbers).await.map_err(of_store)
    };
    let read = timeout_at(patience.reads_until(), read).await;
    let mut stored = read.map_err(|_| Failed::Source(Dependency::Mysql))??;
    if let Cursor::Before(_) = cursor {
        stored.reverse();
    }
    let indexed: HashMap<_, _> = hits.iter().map(|hit| (hit.number, hit.version)).collect();
    let is_seen = move |message: &Message| indexed.get(&message.number) == Some(&message.version);
    if stored.iter().all(&is_seen) {
        return Ok(Found { messages: stored, cut: None });
    }
    let numbers: Vec<u64> = stored.iter().map(|message| message.number.get()).collect();
    let query = search.query.clone();
    let found = move |message: Message| (is_seen(&message) || query.matches(message.body.as_str())).then_some(message);
    let looked_at = state.folding.each(stored, Some(patience.looks_until()), found).await?;
    let is_cut = looked_at.len() < numbers.len();
    let cut = numbers[..looked_at.len()].last().copied().filter(|_| is_cut);
    Ok(Found { messages: looked_at.into_iter().flatten().collect(), cut })
}
