//! Search by the index. It has seen every text but those edited in the last moments, and by their versions it is known which these
//! are: only such a text is held against the query once more. So what the index has not seen edited yet never shows, and a search
//! costs no folding of what it finds.

use std::collections::HashMap;

use ::search::{Cursor, Hit};
use domain::Message;
use service::problem::Problem;
use store::messages as rows;

use super::{
    Failed, Search,
    pages::{Hits, behind},
};
use crate::{errors::of_store, state::State};

/// A page whose hits have been edited away is filled up by asking again, this often at most; then it stays short.
const ROUNDS: usize = 4;

pub(super) async fn by_index(state: &State, search: &Search, mut cursor: Cursor, wanted: usize) -> Result<Hits, Failed> {
    // One more than wanted tells whether there are more.
    let asked = wanted as u64 + 1;
    let mut messages = Vec::new();
    // How far the index has been asked, where it has more.
    let mut reached = None;
    for _ in 0..ROUNDS {
        let hits = match state.index.search(search.place.application_id, search.chat, &search.query, cursor, asked).await {
            Ok(hits) => hits,
            Err(error) => {
                tracing::debug!(%error, "search failed");
                return Err(Failed::Source);
            }
        };
        let last = hits.last().map(|hit| hit.number.get()).filter(|_| hits.len() as u64 >= asked);
        let mut found = still_found(state, search, &hits).await?;
        if let Cursor::Before(_) = cursor {
            found.reverse();
        }
        messages.append(&mut found);
        reached = last;
        match last {
            Some(last) if messages.len() <= wanted => cursor = behind(cursor, last),
            _ => break,
        }
    }
    Ok(Hits::of(messages, wanted, reached))
}

/// The hits as they are stored, by number, without those whose text is another by now and does not match.
async fn still_found(state: &State, search: &Search, hits: &[Hit]) -> Result<Vec<Message>, Problem> {
    if hits.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<_> = hits.iter().map(|hit| hit.number).collect();
    let stored = {
        let mut conn = state.connection().await?;
        rows::by_numbers(&mut conn, search.place.application_id, search.chat, &numbers).await.map_err(of_store)?
    };
    let indexed: HashMap<_, _> = hits.iter().map(|hit| (hit.number, hit.version)).collect();
    let is_seen = move |message: &Message| indexed.get(&message.number) == Some(&message.version);
    if stored.iter().all(&is_seen) {
        return Ok(stored);
    }
    let query = search.query.clone();
    let found = move |message: Message| (is_seen(&message) || query.matches(message.body.as_str())).then_some(message);
    Ok(state.folding.each(stored, None, found).await?.into_iter().flatten().collect())
}
