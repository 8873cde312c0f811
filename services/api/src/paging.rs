//! Which page of a list a request asks for, and how an answer tells where the neighbours are.
//!
//! Parameters: `limit` (or `per_page`), and one of `after`, `before`, `page`. The neighbours' addresses stand in the header `Link`
//! (RFC 8288), and in `/api/v1` in the member `pagination` too. An unreadable value is a 422 that names the parameter.

use actix_web::{HttpRequest, HttpResponse, http::header::LINK};
use domain::{Field, Invalid, MAX_NUMBER, MAX_PAGE_LIMIT, Page, PageLimit, PageRequest, Rule};
use serde::Serialize;
use serde_json::{Map, Value, json};
use service::problem::Problem;

use crate::family::Family;

/// What lists read of the query string.
pub(crate) const PARAMETERS: &[&str] = &["limit", "per_page", "after", "before", "page"];

/// The query string's parameters, decoded. Of one that occurs twice the last counts.
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        serde_urlencoded::from_str(request.query_string())
            .map(Self)
            .map_err(|_| Problem::malformed_request("The query string cannot be read."))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The page size: `limit`, or `per_page` as others call it.
    pub(crate) fn limit(&self) -> Result<PageLimit, Invalid> {
        let read =
            |text: &str| PageLimit::new(text.parse().map_err(|_| Invalid::new(Field::Limit, Rule::Within(1, MAX_PAGE_LIMIT)))?);
        let given = |name| self.get(name).map(read).transpose();
        // The one that does not count must be right, too.
        let (limit, per_page) = (given("limit")?, given("per_page")?);
        Ok(limit.or(per_page).unwrap_or_default())
    }

    /// The one of `after`, `before` and `page` that is given.
    pub(crate) fn anchor(&self) -> Result<Option<(Field, &str)>, Invalid> {
        let mut given =
            [Field::After, Field::Before, Field::Page].into_iter().filter_map(|field| Some((field, self.get(field.as_str())?)));
        let anchor = given.next();
        match (anchor, given.next()) {
            (Some((first, _)), Some((second, _))) => Err(Invalid::new(second, Rule::NotTogether(first))),
            _ => Ok(anchor),
        }
    }

    /// The page of a list that is ordered by number.
    pub(crate) fn page(&self) -> Result<PageRequest, Invalid> {
        let limit = self.limit()?;
        match self.anchor()? {
            None => Ok(PageRequest::first(limit)),
            Some((Field::After, text)) => Ok(PageRequest::After { after: number(Field::After, 0, text)?, limit }),
            Some((Field::Before, text)) => Ok(PageRequest::Before { before: number(Field::Before, 1, text)?, limit }),
            Some((_, text)) => PageRequest::ordinal(number(Field::Page, 1, text)?, limit),
        }
    }
}

fn number(field: Field, low: u64, text: &str) -> Result<u64, Invalid> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = text.parse().ok().filter(|number| digits && (low..=MAX_NUMBER).contains(number));
    parsed.ok_or_else(|| Invalid::new(field, Rule::Within(low, MAX_NUMBER)))
}

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
}

/// Answers a page of a list whose member in `/api/v1` is called `name`. `total` is how many entries the whole list has, as of the last
/// count, where that costs nothing to know.
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
    use super::*;

    fn page(query: &str) -> Result<PageRequest, Invalid> {
        Parameters(serde_urlencoded::from_str(query).unwrap()).page()
    }

    fn limit(limit: u64) -> PageLimit {
        PageLimit::new(limit).unwrap()
    }

    #[test]
    fn each_way_of_asking_for_a_page_is_understood() {
        for (query, expected) in [
            ("", PageRequest::After { after: 0, limit: limit(50) }),
            ("limit=7", PageRequest::After { after: 0, limit: limit(7) }),
            ("per_page=7&page=3", PageRequest::Span { first: 15, limit: limit(7) }),
            ("after=0", PageRequest::After { after: 0, limit: limit(50) }),
            ("after=12&limit=100", PageRequest::After { after: 12, limit: limit(100) }),
            ("before=12", PageRequest::Before { before: 12, limit: limit(50) }),
            ("after=1&after=2&other=x", PageRequest::After { after: 2, limit: limit(50) }),
        ] {
            assert_eq!(page(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn a_value_that_cannot_be_meant_is_told_by_its_parameter() {
        for (query, field) in [
            ("limit=0", Field::Limit),
            ("limit=101", Field::Limit),
            ("limit=", Field::Limit),
            ("per_page=-1", Field::Limit),
            ("limit=5&per_page=101", Field::Limit),
            ("after=-1", Field::After),
            ("after=+1", Field::After),
            ("after=", Field::After),
            ("after=9007199254740992", Field::After),
            ("before=0", Field::Before),
            ("page=0", Field::Page),
            ("page=99999999999999999999", Field::Page),
            ("after=1&before=3", Field::Before),
            ("page=1&after=1", Field::Page),
        ] {
            assert_eq!(page(query).map_err(|invalid| invalid.field), Err(field), "{query}");
        }
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
}
