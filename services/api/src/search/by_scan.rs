//! The search that stands in for the index: a small chat is read through in MySQL.
//!
//! Few at a time do it, each a chunk at a time, so that neither memory nor MySQL's connections go to the bad times in which the
//! index is away. What is not looked at in time is left to the next page. No connection is held while texts are folded.

use ::search::Cursor;
use domain::Message;
use problems::of_store;
use service::problem::{Dependency, Problem};
use store::messages as rows;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use super::{
    Failed, Search,
    pages::{Hits, behind},
};
use crate::state::State;

/// Chunks in memory at a time.
const SCANS: usize = 4;
/// Rows of a chunk: 4 MB of the longest texts, twice while they are read.
const CHUNK: u32 = 100;

/// Lets scans in. There is one of these for all workers.
pub(crate) struct Scans(Semaphore);

impl Scans {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(SCANS))
    }
}

/// Whether the chat is small enough to be read through.
pub(super) async fn is_small(state: &State, search: &Search) -> Result<bool, Problem> {
    let limit = state.settings.scan_limit;
    let mut conn = state.connection().await?;
    let count = rows::count_up_to(&mut conn, search.place.application_id, search.chat, limit.saturating_add(1)).await;
    Ok(count.map_err(of_store)? <= limit)
}

/// Reads the chat through from the cursor on, until there are hits enough or it is `until`.
///
/// # Errors
/// [`Failed::Source`] where nothing could be read in time: for want of a turn, mostly, which is for want of the index.
pub(super) async fn by_scan(
    state: &State,
    search: &Search,
    mut cursor: Cursor,
    wanted: usize,
    until: Instant,
) -> Result<Hits, Failed> {
    let mut messages: Vec<Message> = Vec::new();
    let mut reached = None;
    while let Some(chunk) = look(state, search, cursor, until).await? {
        messages.extend(chunk.hits);
        reached = chunk.reached;
        match reached {
            Some(number) if chunk.is_whole && messages.len() <= wanted => cursor = behind(cursor, number),
            _ => return Ok(Hits::of(messages, wanted, reached)),
        }
    }
    match reached {
        Some(_) => Ok(Hits::of(messages, wanted, reached)),
        // Who only asks whether there are any is told that there may be.
        None if wanted == 0 => Ok(Hits::of(messages, wanted, Some(0))),
        None => Err(Failed::Source(Dependency::Elasticsearch)),
    }
}

/// What was found in one chunk.
struct Chunk {
    hits: Vec<Message>,
    /// The number up to which it was looked through; none at the chat's end.
    reached: Option<u64>,
    /// Whether time was enough for all of it.
    is_whole: bool,
}

/// Looks through the chunk next to the cursor; `None` where it does not come in time.
async fn look(state: &State, search: &Search, cursor: Cursor, until: Instant) -> Result<Option<Chunk>, Problem> {
    let in_time = async {
        let turn = state.scans.0.acquire().await.map_err(Problem::internal)?;
        Ok::<_, Problem>((turn, read(state, search, cursor).await?))
    };
    let Ok(come) = timeout_at(until, in_time).await else { return Ok(None) };
    // The turn ends when the texts are let go.
    let (_turn, rows) = come?;
    let is_last = rows.len() < CHUNK as usize;
    let numbers: Vec<u64> = rows.iter().map(|message| message.number.get()).collect();
    let query = search.query.clone();
    let found = move |message: Message| query.matches(message.body.as_str()).then_some(message);
    let looked_at = state.folding.each(rows, Some(until), found).await?;
    let is_whole = looked_at.len() == numbers.len();
    let reached = if is_whole && is_last { None } else { numbers[..looked_at.len()].last().copied() };
    Ok(Some(Chunk { hits: looked_at.into_iter().flatten().collect(), reached, is_whole }))
}

async fn read(state: &State, search: &Search, cursor: Cursor) -> Result<Vec<Message>, Problem> {
    let (application, chat) = (search.place.application_id, search.chat);
    let mut conn = state.connection().await?;
    let rows = match cursor {
        Cursor::After(after) => rows::scan(&mut conn, application, chat, after, CHUNK).await,
        Cursor::Before(before) => rows::scan_back(&mut conn, application, chat, before, CHUNK).await,
    };
    rows.map_err(of_store)
}
