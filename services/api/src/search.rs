//! `GET …/messages/search?query=`: the chat's messages that have the text in any part of them.
//!
//! Elasticsearch gives numbers, MySQL the texts, and each text is held against the query once more: what the index has not seen
//! edited yet never shows. While Elasticsearch is down a small chat is read through in MySQL; the header `X-Search-Source` says
//! which it was: `index`, `scan`, or `none` with the 503 of a chat that is too large for that.

use std::time::Duration;

use ::search::{Cursor, Query, Unit};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{HeaderName, HeaderValue},
    web::Data,
};
use domain::{ChatNumber, Field, Invalid, Message, Page, PageLimit, PageRequest, Rule};
use service::problem::{Dependency, Problem};
use store::{chats::Place, messages as rows};
use tokio::{task::yield_now, time::timeout};

use crate::{
    chats,
    errors::of_store,
    paging::{self, Neighbours},
    parameters::Parameters,
    path::ChatPath,
    representation::HitBody,
    state::State,
    waiting::pending,
};

/// What a search reads of the query string.
pub(crate) const PARAMETERS: &[&str] = &["query", "q", "highlight", "limit", "per_page", "after", "before", "page"];

const SOURCE: HeaderName = HeaderName::from_static("x-search-source");
/// How long Elasticsearch may take in all, so that there is time left to look into MySQL instead.
const INDEX_WITHIN: Duration = Duration::from_millis(1_500);
/// A page whose hits have been edited away is filled up by asking again, this often at most.
const ROUNDS: usize = 4;
/// Rows read at a time when a chat is scanned.
const SCAN_CHUNK: u32 = 1_000;

/// One search: in which chat, and for what.
struct Search {
    place: Place,
    chat: ChatNumber,
    query: Query,
}

/// Hits next to a cursor, in its order, and whether there are more.
struct Hits {
    messages: Vec<Message>,
    more: bool,
}

/// Why a search by the index has come to nothing.
enum Failed {
    /// Elasticsearch does not answer.
    Index,
    Otherwise(Problem),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::Otherwise(problem)
    }
}

pub(crate) async fn search(state: Data<State>, path: ChatPath, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::of(&request)?;
    let query = query(&parameters)?;
    let (cursor, limit) = part(&parameters)?;
    let unit = highlight(&parameters)?;
    let Some(place) = chats::locate(&state, path.token, path.chat).await? else { return Ok(pending(path.chat.get())) };
    let search = Search { place, chat: path.chat, query };

    let by_index = page(cursor, limit, async |cursor, wanted| by_index(&state, &search, cursor, wanted).await);
    let found = match timeout(INDEX_WITHIN, by_index).await {
        Ok(Ok(found)) => Some(found),
        Ok(Err(Failed::Otherwise(problem))) => return Err(problem),
        Ok(Err(Failed::Index)) | Err(_) => None,
    };
    let (found, source) = match found {
        Some(found) => (found, "index"),
        None if is_small(&state, &search).await? => {
            let by_scan = async |cursor, wanted| by_scan(&state, &search, cursor, wanted).await;
            (page(cursor, limit, by_scan).await?, "scan")
        }
        None => {
            let refusal = Problem::dependency_unavailable(Dependency::Elasticsearch);
            return Ok(with_source(HttpResponse::from_error(refusal), "none"));
        }
    };
    let neighbours = Neighbours::of(&found, limit, |message| message.number.to_string());
    let entries = shown(found.entries, &search.query, unit).await;
    Ok(with_source(paging::answer(&request, "messages", &entries, limit, &neighbours, None), source))
}

/// What is searched for: `query`, or `q` as others call it.
fn query(parameters: &Parameters) -> Result<Query, Invalid> {
    let given = |field: Field| Some((field, parameters.get(field.as_str())?));
    let text = given(Field::Query).or_else(|| given(Field::Q));
    let (field, text) = text.ok_or(Invalid::new(Field::Query, Rule::Required))?;
    Query::parse(text).map_err(|Invalid { rule, .. }| Invalid::new(field, rule))
}

/// Hits are paged by number: their ordinals would cost a count of all that come before.
fn part(parameters: &Parameters) -> Result<(Cursor, PageLimit), Invalid> {
    match parameters.page()? {
        PageRequest::After { after, limit } => Ok((Cursor::After(after), limit)),
        PageRequest::Before { before, limit } => Ok((Cursor::Before(before), limit)),
        PageRequest::Span { first: 1, limit } => Ok((Cursor::After(0), limit)),
        PageRequest::Span { .. } => Err(Invalid::new(Field::Page, Rule::NotTogether(Field::Query))),
    }
}

/// In which unit the places of the query in each hit are to be told, if they are.
fn highlight(parameters: &Parameters) -> Result<Option<Unit>, Invalid> {
    match parameters.get(Field::Highlight.as_str()) {
        None => Ok(None),
        Some("utf16") => Ok(Some(Unit::Utf16)),
        Some("codepoint") => Ok(Some(Unit::CodePoint)),
        Some(_) => Err(Invalid::new(Field::Highlight, Rule::OneOf("utf16 or codepoint"))),
    }
}

async fn shown(hits: Vec<Message>, query: &Query, unit: Option<Unit>) -> Vec<HitBody> {
    let mut shown = Vec::with_capacity(hits.len());
    for hit in hits {
        let highlights = unit.map(|unit| query.highlights(hit.body.as_str(), unit));
        shown.push(HitBody::new(hit, highlights));
        // A hundred long texts take a while: the worker's other requests go in between.
        if unit.is_some() {
            yield_now().await;
        }
    }
    shown
}

/// The page next to the cursor, made of what `look` finds next to one: at most so many hits, and whether there are more.
async fn page<E>(
    cursor: Cursor,
    limit: PageLimit,
    look: impl AsyncFn(Cursor, usize) -> Result<Hits, E>,
) -> Result<Page<Message>, E> {
    let Hits { messages: mut entries, more } = look(cursor, limit.get() as usize).await?;
    let other_side = match cursor {
        // No number lies before the first one.
        Cursor::After(0) => None,
        Cursor::After(after) => Some(Cursor::Before(after.saturating_add(1))),
        Cursor::Before(before) => Some(Cursor::After(before.saturating_sub(1))),
    };
    let on_the_other_side = match other_side {
        None => false,
        Some(cursor) => look(cursor, 0).await?.more,
    };
    let (has_previous, has_next) = match cursor {
        Cursor::After(_) => (on_the_other_side, more),
        Cursor::Before(_) => {
            entries.reverse();
            (more, on_the_other_side)
        }
    };
    Ok(Page { entries, has_previous, has_next })
}

async fn by_index(state: &State, search: &Search, mut cursor: Cursor, wanted: usize) -> Result<Hits, Failed> {
    let application = search.place.application_id;
    // One more than wanted tells whether there are more.
    let asked = wanted as u64 + 1;
    let mut messages = Vec::new();
    let mut exhausted = false;
    for _ in 0..ROUNDS {
        let numbers = match state.index.search(application, search.chat, &search.query, cursor, asked).await {
            Ok(numbers) => numbers,
            Err(error) => {
                tracing::debug!(%error, "search failed");
                return Err(Failed::Index);
            }
        };
        exhausted = (numbers.len() as u64) < asked;
        let Some(last) = numbers.last() else { break };
        let found = rows::by_numbers(&mut *state.connection().await?, application, search.chat, &numbers).await;
        let mut found = found.map_err(of_store)?;
        found.retain(|message| search.query.matches(message.body.as_str()));
        cursor = match cursor {
            Cursor::After(_) => Cursor::After(last.get()),
            Cursor::Before(_) => {
                found.reverse();
                Cursor::Before(last.get())
            }
        };
        messages.append(&mut found);
        if exhausted || messages.len() > wanted {
            break;
        }
    }
    // Where the rounds did not reach the end, there may be more.
    let more = messages.len() > wanted || !exhausted;
    messages.truncate(wanted);
    Ok(Hits { messages, more })
}

/// Whether the chat is small enough to be read through.
async fn is_small(state: &State, search: &Search) -> Result<bool, Problem> {
    let limit = state.settings.scan_limit;
    let mut conn = state.connection().await?;
    let count = rows::count_up_to(&mut conn, search.place.application_id, search.chat, limit.saturating_add(1)).await;
    Ok(count.map_err(of_store)? <= limit)
}

/// Reads the chat through, from the cursor on.
async fn by_scan(state: &State, search: &Search, mut cursor: Cursor, wanted: usize) -> Result<Hits, Problem> {
    let (application, chat) = (search.place.application_id, search.chat);
    let mut conn = state.connection().await?;
    let mut messages: Vec<Message> = Vec::new();
    loop {
        let chunk = match cursor {
            Cursor::After(after) => rows::scan(&mut conn, application, chat, after, SCAN_CHUNK).await,
            Cursor::Before(before) => rows::scan_back(&mut conn, application, chat, before, SCAN_CHUNK).await,
        };
        let chunk = chunk.map_err(of_store)?;
        let Some(last) = chunk.last().map(|message| message.number.get()) else { break };
        cursor = match cursor {
            Cursor::After(_) => Cursor::After(last),
            Cursor::Before(_) => Cursor::Before(last),
        };
        messages.extend(chunk.into_iter().filter(|message| search.query.matches(message.body.as_str())));
        if messages.len() > wanted {
            break;
        }
    }
    let more = messages.len() > wanted;
    messages.truncate(wanted);
    Ok(Hits { messages, more })
}

fn with_source(mut answer: HttpResponse, source: &'static str) -> HttpResponse {
    answer.headers_mut().insert(SOURCE, HeaderValue::from_static(source));
    answer
}
