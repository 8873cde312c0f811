//! `GET …/messages/search?query=`: the chat's messages that have the text in any part of them.
//!
//! Elasticsearch gives numbers, MySQL the texts (`by_index`). While Elasticsearch is down a small chat is read through in MySQL
//! (`by_scan`); the header `X-Search-Source` says which it was: `index`, `scan`, or `none` with the 503 of a chat that is too
//! large for that. Texts are folded beside the HTTP workers (`folding`).

mod by_index;
mod by_scan;
mod folding;
mod pages;
mod patience;

use ::search::{Cursor, Query, Unit};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{HeaderName, HeaderValue},
    web::Data,
};
use domain::{ChatNumber, Field, Invalid, Message, PageLimit, PageRequest, Rule};
use service::problem::{Dependency, Problem};
use store::chats::Place;
use tokio::time::{Instant, timeout_at};

use self::{
    by_index::{by_index, highest},
    by_scan::{by_scan, is_small},
    pages::Part,
    patience::Patience,
};
pub(crate) use self::{by_scan::Scans, folding::Folding};
use crate::{
    chats,
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
/// One search: in which chat, and for what.
struct Search {
    place: Place,
    chat: ChatNumber,
    query: Query,
}

/// Why a search has come to nothing.
enum Failed {
    /// What was asked, the index or the chat itself, has no answer in time: the server whose fault it is.
    Source(Dependency),
    Otherwise(Problem),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::Otherwise(problem)
    }
}

pub(crate) async fn search(state: Data<State>, path: ChatPath, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let patience = Patience::new();
    let parameters = Parameters::of(&request)?;
    let query = query(&parameters)?;
    let (cursor, limit) = part(&parameters)?;
    let unit = highlight(&parameters)?;
    let Some(place) = chats::locate(&state, path.token, path.chat).await? else { return Ok(pending(path.chat.get())) };
    let search = Search { place, chat: path.chat, query };

    let by_index = async {
        let highest = highest(&state, &search, &patience).await?;
        let look = async |cursor, wanted| by_index(&state, &search, highest, &patience, cursor, wanted).await;
        Part::find(cursor, limit, look).await
    };
    let (found, source) = match by_index.await {
        Err(Failed::Source(Dependency::Elasticsearch)) => {
            (scanned(&state, &search, cursor, limit, patience.looks_until()).await, "scan")
        }
        found => (found, "index"),
    };
    let found = match found {
        Ok(found) => found,
        Err(Failed::Otherwise(problem)) => return Err(problem),
        Err(Failed::Source(late)) => {
            let refusal = Problem::dependency_unavailable(late);
            return Ok(with_source(HttpResponse::from_error(refusal), "none"));
        }
    };
    let page = found.shown(async |hits| shown(&state.folding, hits, search.query, unit, patience.marks_until()).await).await?;
    let neighbours = Neighbours::at(page.previous, page.next, limit);
    Ok(with_source(paging::answer(&request, "messages", &page.entries, limit, &neighbours, None), source))
}

/// The chat read through, if it is small enough for that.
async fn scanned(state: &State, search: &Search, cursor: Cursor, limit: PageLimit, until: Instant) -> Result<Part, Failed> {
    // The wait for the chat and the index may have taken all of the time.
    if Instant::now() >= until {
        return Err(Failed::Source(Dependency::Elasticsearch));
    }
    match timeout_at(until, is_small(state, search)).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => return Err(Failed::Source(Dependency::Elasticsearch)),
        Ok(Err(problem)) => return Err(problem.into()),
        Err(_) => return Err(Failed::Source(Dependency::Mysql)),
    }
    Part::find(cursor, limit, async |cursor, wanted| by_scan(state, search, cursor, wanted, until).await).await
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

/// The hits as they are answered: all, unless they are to be marked and that takes long.
async fn shown(
    folding: &Folding,
    hits: Vec<Message>,
    query: Query,
    unit: Option<Unit>,
    until: Instant,
) -> Result<Vec<HitBody>, Problem> {
    let Some(unit) = unit else { return Ok(hits.into_iter().map(|hit| HitBody::new(hit, None)).collect()) };
    let marked = move |hit: Message| {
        let highlights = query.highlights(hit.body.as_str(), unit);
        HitBody::new(hit, Some(highlights))
    };
    folding.each(hits, Some(until), marked).await
}

fn with_source(mut answer: HttpResponse, source: &'static str) -> HttpResponse {
    answer.headers_mut().insert(SOURCE, HeaderValue::from_static(source));
    answer
}

#[cfg(test)]
mod tests {
    use domain::MAX_NUMBER;
    use proptest::prelude::*;

    use super::*;
    use crate::parameters::sample;

    proptest! {
        #[test]
        fn whatever_is_asked_is_a_search_or_a_refusal(text in sample::texts(PARAMETERS)) {
            let parameters = match sample::parameters(&text, PARAMETERS) {
                Ok(parameters) => parameters,
                Err(problem) => {
                    prop_assert_eq!(problem.status(), 400);
                    return Ok(());
                }
            };
            let (query, part, unit) = (query(&parameters), part(&parameters), highlight(&parameters));
            if let Ok((Cursor::After(number) | Cursor::Before(number), _)) = part {
                prop_assert!(number <= MAX_NUMBER);
            }
            for refusal in [query.err(), part.err(), unit.err()].into_iter().flatten() {
                prop_assert_eq!(Problem::from(refusal).status(), 422);
            }
        }
    }
}
