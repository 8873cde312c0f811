//! The search that stands in for the index: the chat is read through in MySQL. No connection is held while texts are folded.

use ::search::Cursor;
use domain::Message;
use service::problem::Problem;
use store::messages as rows;

use super::{
    Search,
    pages::{Hits, behind},
};
use crate::{errors::of_store, state::State};

/// Rows read at a time.
const SCAN_CHUNK: u32 = 1_000;

/// Whether the chat is small enough to be read through.
pub(super) async fn is_small(state: &State, search: &Search) -> Result<bool, Problem> {
    let limit = state.settings.scan_limit;
    let mut conn = state.connection().await?;
    let count = rows::count_up_to(&mut conn, search.place.application_id, search.chat, limit.saturating_add(1)).await;
    Ok(count.map_err(of_store)? <= limit)
}

/// Reads the chat through, from the cursor on.
pub(super) async fn by_scan(state: &State, search: &Search, mut cursor: Cursor, wanted: usize) -> Result<Hits, Problem> {
    let mut messages: Vec<Message> = Vec::new();
    loop {
        let chunk = chunk(state, search, cursor).await?;
        let Some(last) = chunk.last().map(|message| message.number.get()) else { break };
        cursor = behind(cursor, last);
        let query = search.query.clone();
        let found = move |message: Message| query.matches(message.body.as_str()).then_some(message);
        messages.extend(state.folding.each(chunk, None, found).await?.into_iter().flatten());
        if messages.len() > wanted {
            break;
        }
    }
    Ok(Hits::of(messages, wanted, None))
}

async fn chunk(state: &State, search: &Search, cursor: Cursor) -> Result<Vec<Message>, Problem> {
    let (application, chat) = (search.place.application_id, search.chat);
    let mut conn = state.connection().await?;
    let chunk = match cursor {
        Cursor::After(after) => rows::scan(&mut conn, application, chat, after, SCAN_CHUNK).await,
        Cursor::Before(before) => rows::scan_back(&mut conn, application, chat, before, SCAN_CHUNK).await,
    };
    chunk.map_err(of_store)
}
