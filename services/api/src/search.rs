//! `GET …/messages/search?query=`: the chat's messages that have the text in any part of them.
//!
//! Elasticsearch gives numbers, MySQL the texts, and each text is held against the query once more: what the index has not seen
//! edited yet never shows. While Elasticsearch is down a small chat is read through in MySQL; the header `X-Search-Source` says
//! which it was: `index`, `scan`, or `none` with the 503 of a chat that is too large for that.

use std::time::Duration;

use ::search::Query;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{HeaderName, HeaderValue},
    web::Data,
};
use domain::{ApplicationId, ChatNumber, Field, Invalid, Message, Page, PageLimit, PageRequest, Rule};
use service::problem::{Dependency, Problem};
use store::messages as rows;
use tokio::time::timeout;

use crate::{
    errors::of_store,
    messages::missing_chat,
    paging::{self, Neighbours, Parameters},
    path::ChatPath,
    representation::MessageBody,
    state::State,
};

const SOURCE: HeaderName = HeaderName::from_static("x-search-source");
/// How long Elasticsearch may take in all, so that there is time left to look into MySQL instead.
const INDEX_WITHIN: Duration = Duration::from_millis(1_500);
/// A page whose hits have been edited away is filled up by asking again, this often at most.
const ROUNDS: usize = 4;
/// Rows read at a time when a chat is scanned.
const SCAN_CHUNK: u32 = 1_000;

/// One search: in which chat, for what, which part of the hits.
struct Search {
    application: ApplicationId,
    chat: ChatNumber,
    query: Query,
    after: u64,
    limit: PageLimit,
}

/// Hits in ascending order, and whether there are more.
struct Hits {
    messages: Vec<Message>,
    more: bool,
}

pub(crate) async fn search(state: Data<State>, path: ChatPath, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::of(&request)?;
    let text = parameters.get("query").or_else(|| parameters.get("q"));
    let query = Query::parse(text.ok_or_else(|| Invalid::new(Field::Query, Rule::Required))?)?;
    let (after, limit) = part(&parameters)?;
    let application = state.application(path.token).await?;
    let search = Search { application, chat: path.chat, query, after, limit };

    let (hits, source) = match timeout(INDEX_WITHIN, by_index(&state, &search)).await {
        Ok(Ok(Some(hits))) => (hits, "index"),
        Ok(Err(problem)) => return Err(problem),
        Ok(Ok(None)) | Err(_) => match by_scan(&state, &search).await? {
            Some(hits) => (hits, "scan"),
            None => {
                return Ok(with_source(
                    HttpResponse::from_error(Problem::dependency_unavailable(Dependency::Elasticsearch)),
                    "none",
                ));
            }
        },
    };
    if hits.messages.is_empty()
        && let Some(answer) = missing_chat(&state, path.token, application, path.chat).await?
    {
        return Ok(answer);
    }
    let page = Page { has_previous: false, has_next: hits.more, entries: hits.messages };
    let neighbours = Neighbours::of(&page, limit, |message| message.number.to_string());
    let entries: Vec<MessageBody> = page.entries.into_iter().map(MessageBody::from).collect();
    Ok(with_source(paging::answer(&request, "messages", &entries, limit, &neighbours), source))
}

/// Hits are paged forwards only: their ordinals and predecessors would cost a count of all of them.
fn part(parameters: &Parameters) -> Result<(u64, PageLimit), Invalid> {
    match parameters.page()? {
        PageRequest::After { after, limit } => Ok((after, limit)),
        PageRequest::Before { .. } => Err(Invalid::new(Field::Before, Rule::NotTogether(Field::Query))),
        PageRequest::Span { first: 1, limit } => Ok((0, limit)),
        PageRequest::Span { .. } => Err(Invalid::new(Field::Page, Rule::NotTogether(Field::Query))),
    }
}

/// `None` when Elasticsearch does not answer.
async fn by_index(state: &State, search: &Search) -> Result<Option<Hits>, Problem> {
    let wanted = search.limit.get() as usize;
    let mut messages = Vec::new();
    let mut after = search.after;
    for _ in 0..ROUNDS {
        // One more than wanted tells whether there are more.
        let asked = search.limit.get() + 1;
        let numbers = match state.index.search(search.application, search.chat, &search.query, after, asked).await {
            Ok(numbers) => numbers,
            Err(error) => {
                tracing::debug!(%error, "search failed");
                return Ok(None);
            }
        };
        let exhausted = (numbers.len() as u64) < asked;
        let Some(last) = numbers.last() else { break };
        after = last.get();
        let found = rows::by_numbers(&mut *state.connection().await?, search.application, search.chat, &numbers).await;
        messages.extend(found.map_err(of_store)?.into_iter().filter(|message| search.query.matches(message.body.as_str())));
        if exhausted || messages.len() > wanted {
            break;
        }
    }
    let more = messages.len() > wanted;
    messages.truncate(wanted);
    Ok(Some(Hits { messages, more }))
}

/// Reads the chat through; `None` when it is too large for that.
async fn by_scan(state: &State, search: &Search) -> Result<Option<Hits>, Problem> {
    let wanted = search.limit.get() as usize;
    let limit = state.settings.scan_limit;
    let mut conn = state.connection().await?;
    if rows::count_up_to(&mut conn, search.application, search.chat, limit + 1).await.map_err(of_store)? > limit {
        return Ok(None);
    }
    let mut messages = Vec::new();
    let mut after = search.after;
    loop {
        let chunk = rows::scan(&mut conn, search.application, search.chat, after, SCAN_CHUNK).await.map_err(of_store)?;
        let Some(last) = chunk.last() else { break };
        after = last.number.get();
        messages.extend(chunk.into_iter().filter(|message| search.query.matches(message.body.as_str())));
        if messages.len() > wanted {
            break;
        }
    }
    let more = messages.len() > wanted;
    messages.truncate(wanted);
    Ok(Some(Hits { messages, more }))
}

fn with_source(mut answer: HttpResponse, source: &'static str) -> HttpResponse {
    answer.headers_mut().insert(SOURCE, HeaderValue::from_static(source));
    answer
}
