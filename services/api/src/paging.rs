//! How a page of a list is answered, and where its neighbours are: their addresses stand in the header `Link` (RFC 8288), and in
//! `/api/v1` in the member `pagination` too.

use actix_web::{HttpRequest, HttpResponse, http::header::LINK};
use domain::{Page, PageLimit, PageRequest};
use serde::Serialize;
use serde_json::{Map, Value, json};
use service::http::Family;

use crate::{parameters::Parameters, record::Numbered};

/// Where the pages before and behind this one are, as query parameters of the same path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Neighbours {
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
}

impl Neighbours {
    /// Of a page whose entries have `cursor`s by which the next one is found.
    pub(crate) fn of<T>(page: &Page<T>, limit: PageLimit, cursor: impl Fn(&T) -> String) -> Self {
        let limit = limit.get();
        let link = |wanted: bool, name: &str, entry: Option<&T>| {
            entry.filter(|_| wanted).map(|entry| format!("{name}={}&limit={limit}", cursor(entry)))
        };
        Self {
            previous: link(page.has_previous, "before", page.entries.first()),
            next: link(page.has_next, "after", page.entries.last()),
        }
    }

    /// Of a page whose neighbours lie before one number and behind another.
    pub(crate) fn at(before: Option<u64>, after: Option<u64>, limit: PageLimit) -> Self {
        let link = |name: &str, cursor: u64| format!("{name}={cursor}&limit={}", limit.get());
        Self { previous: before.map(|number| link("before", number)), next: after.map(|number| link("after", number)) }
    }

    /// Of a page of a list that is ordered by number. One without entries, behind which there are some, is followed by what
    /// begins where it began.
    pub(crate) fn of_numbered<T: Numbered>(page: &Page<T>, request: PageRequest) -> Self {
        let limit = request.limit();
        if !page.entries.is_empty() {
            return Self::of(page, limit, |entry| entry.number().to_string());
        }
        let again = |name: &str, cursor: u64| Some(format!("{name}={cursor}&limit={}", limit.get()));
        let none = Self::default();
        match request {
            PageRequest::After { after, .. } if page.has_next => Self { next: again("after", after), ..none },
            PageRequest::Span { first, .. } if page.has_next => Self { next: again("after", first.saturating_sub(1)), ..none },
            PageRequest::Before { before, .. } if page.has_previous => Self { previous: again("before", before), ..none },
            _ => none,
        }
    }
}

/// Answers a page of a list whose member in `/api/v1` is called `name`. `total` is how many entries the whole list has, as of the
/// last count, where that costs nothing to know.
pub(crate) fn answer<T: Serialize>(
    request: &HttpRequest,
    name: &str,
    entries: &[T],
    limit: PageLimit,
    neighbours: &Neighbours,
    total: Option<u64>,
) -> HttpResponse {
    let kept = kept_parameters(request);
    let address =
        |parameters: &Option<String>| parameters.as_ref().map(|parameters| format!("{}?{kept}{parameters}", request.path()));
    let (previous, next) = (address(&neighbours.previous), address(&neighbours.next));
    let links: Vec<String> = [(&next, "next"), (&previous, "prev")]
        .into_iter()
        .filter_map(|(address, relation)| address.as_ref().map(|address| format!("<{address}>; rel=\"{relation}\"")))
        .collect();
    let mut answer = HttpResponse::Ok();
    if !links.is_empty() {
        answer.insert_header((LINK, links.join(", ")));
    }
    match Family::of(request) {
        Family::Unversioned => answer.json(entries),
        Family::V1 => {
            let pagination = json!({ "limit": limit.get(), "next": next, "prev": previous, "total": total });
            let list = json!(entries);
            answer.json(Map::from_iter(
                [(name.to_owned(), list), ("pagination".to_owned(), pagination)]
                    .map(|(key, value): (String, Value)| (key, value)),
            ))
        }
    }
}

/// The parameters that the neighbours' addresses must repeat: a search's text, and how its hits are marked.
fn kept_parameters(request: &HttpRequest) -> String {
    let Ok(parameters) = Parameters::of(request) else { return String::new() };
    let given = |name| Some((name, parameters.get(name)?));
    let kept: Vec<_> = given("query").or_else(|| given("q")).into_iter().chain(given("highlight")).collect();
    let kept = serde_urlencoded::to_string(kept).unwrap_or_default();
    if kept.is_empty() { kept } else { kept + "&" }
}

#[cfg(test)]
mod tests {
    use domain::Message;

    use super::*;

    fn limit(limit: u64) -> PageLimit {
        PageLimit::new(limit).unwrap()
    }

    #[test]
    fn neighbours_are_told_only_where_there_are_some() {
        let page = |has_previous, has_next, entries| Page { entries, has_previous, has_next };
        let neighbours = |page: Page<u64>| Neighbours::of(&page, limit(2), u64::to_string);
        assert_eq!(neighbours(page(false, false, vec![1, 2])), Neighbours::default());
        let both = neighbours(page(true, true, vec![3, 4]));
        assert_eq!((both.previous.as_deref(), both.next.as_deref()), (Some("before=3&limit=2"), Some("after=4&limit=2")));
        assert_eq!(neighbours(page(true, false, vec![])), Neighbours::default());
    }

    #[test]
    fn a_page_without_entries_is_followed_by_what_begins_where_it_began() {
        let limit = limit(2);
        let neighbours = |request, has_previous, has_next| {
            let Neighbours { previous, next } =
                Neighbours::of_numbered(&Page::<Message> { entries: vec![], has_previous, has_next }, request);
            (previous, next)
        };
        let some = |text: &str| Some(text.to_owned());
        let after = PageRequest::After { after: 7, limit };
        assert_eq!(neighbours(after, true, true), (None, some("after=7&limit=2")));
        assert_eq!(neighbours(after, true, false), (None, None));
        let span = PageRequest::Span { first: 7, limit };
        assert_eq!(neighbours(span, true, true), (None, some("after=6&limit=2")));
        let before = PageRequest::Before { before: 7, limit };
        assert_eq!(neighbours(before, true, true), (some("before=7&limit=2"), None));
        assert_eq!(neighbours(before, false, true), (None, None));
    }
}
