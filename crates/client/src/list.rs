//! Lists: a page at a time, or all of them as a stream that follows the links from page to page.

use std::{fmt, marker::PhantomData};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use reqwest::{Method, RequestBuilder, Url};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Client, Error, Lookup, send::Answer};

/// What a search was answered from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchSource {
    /// The index.
    Index,
    /// The chat was read through, because the index does not answer.
    Scan,
}

/// A part of a list.
#[derive(Clone)]
pub struct Page<T> {
    /// The entries, in the list's order.
    pub entries: Vec<T>,
    /// Of a search.
    pub source: Option<SearchSource>,
    next: Option<Url>,
}

impl<T> Page<T> {
    /// Whether the list goes on behind this page.
    pub fn has_next(&self) -> bool {
        self.next.is_some()
    }
}

impl<T: fmt::Debug> fmt::Debug for Page<T> {
    /// Without the next page's address, which holds a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entries, source, next } = self;
        f.debug_struct("Page").field("entries", entries).field("source", source).field("has_next", &next.is_some()).finish()
    }
}

/// A list, yet to be read. Nothing is sent before one of its reading functions is called.
#[must_use]
pub struct List<T> {
    client: Client,
    /// An unusable one is told when the list is read.
    url: Result<Url, Error>,
    member: &'static str,
    admin: bool,
    entries: PhantomData<fn() -> T>,
}

#[derive(Deserialize)]
struct Pagination {
    next: Option<String>,
}

impl<T: DeserializeOwned> List<T> {
    pub(crate) fn new(client: &Client, url: Result<Url, Error>, member: &'static str) -> Self {
        Self { client: client.clone(), url, member, admin: false, entries: PhantomData }
    }

    pub(crate) fn of_the_operator(self) -> Self {
        Self { admin: true, ..self }
    }

    pub(crate) fn parameter(mut self, name: &str, value: &str) -> Self {
        if let Ok(url) = &mut self.url {
            url.query_pairs_mut().append_pair(name, value);
        }
        self
    }

    /// Entries of a page at most, 1 to 100; 50 unless given.
    pub fn limit(self, limit: u64) -> Self {
        self.parameter("limit", &limit.to_string())
    }

    /// From behind the entry with this number (of applications: this token).
    pub fn after(self, cursor: impl fmt::Display) -> Self {
        self.parameter("after", &cursor.to_string())
    }

    /// One page.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn page(self) -> Result<Lookup<Page<T>>, Error> {
        let Self { client, url, member, admin, .. } = self;
        let url = url?;
        let answer = client.send(get(&client, &url, admin)).await?;
        match answer.lookup::<Value>()? {
            Lookup::Pending => Ok(Lookup::Pending),
            Lookup::Stored(value) => page(&answer, value, member, &url).map(Lookup::Stored),
        }
    }

    /// All pages. Where the list's chat is accepted and not stored yet, this waits for it.
    pub fn pages(self) -> impl Stream<Item = Result<Page<T>, Error>> {
        let Self { client, url, member, admin, .. } = self;
        stream::try_unfold(Some(url), move |url| {
            let client = client.clone();
            async move {
                let Some(url) = url.transpose()? else { return Ok(None) };
                let answer = client.send_until_stored(get(&client, &url, admin)).await?;
                let page = page(&answer, answer.read()?, member, &url)?;
                let next = page.next.clone().map(Ok);
                Ok(Some((page, next)))
            }
        })
    }

    /// All entries, read page by page as they are asked for.
    pub fn stream(self) -> impl Stream<Item = Result<T, Error>> {
        self.pages().map_ok(|page| stream::iter(page.entries.into_iter().map(Ok))).try_flatten()
    }

    /// All entries at once, as one page.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn all(self) -> Result<Page<T>, Error> {
        let mut whole = Page { entries: Vec::new(), source: None, next: None };
        let mut pages = std::pin::pin!(self.pages());
        while let Some(page) = pages.next().await.transpose()? {
            whole.entries.extend(page.entries);
            // A search that was scanned in part was not answered by the index.
            whole.source = if whole.source == Some(SearchSource::Scan) { whole.source } else { page.source };
        }
        Ok(whole)
    }
}

fn get(client: &Client, url: &Url, admin: bool) -> RequestBuilder {
    let request = client.request(Method::GET, url.clone());
    if admin { client.as_admin(request) } else { request }
}

fn page<T: DeserializeOwned>(answer: &Answer, mut value: Value, member: &str, url: &Url) -> Result<Page<T>, Error> {
    let mut take = |name: &str| value.get_mut(name).map(Value::take).unwrap_or_default();
    let entries = serde_json::from_value(take(member)).map_err(Error::Unexpected)?;
    let pagination: Pagination = serde_json::from_value(take("pagination")).map_err(Error::Unexpected)?;
    // A link to another place than the list's own is not followed: the admin's token goes with it.
    let next = pagination.next.and_then(|next| url.join(&next).ok()).filter(|next| next.origin() == url.origin());
    let source = answer.headers.get("x-search-source").and_then(|source| match source.as_bytes() {
        b"index" => Some(SearchSource::Index),
        b"scan" => Some(SearchSource::Scan),
        _ => None,
    });
    Ok(Page { entries, source, next })
}
