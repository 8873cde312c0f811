//! The demo's side of HTTP: what a client of the two ports would do, and no more. It retries what it is told to retry, within
//! a bound, and must know nothing of how the system works inside.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::retry::{Retries, Verdict, verdict};

/// A request takes at most this long, answered or not. The services answer within 3 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Chats that are looked at side by side: to look at what is there must not become a load of its own.
pub(crate) const READS_AT_ONCE: usize = 16;

/// Speaks to the api and to ingest.
pub(crate) struct Client {
    http: reqwest::Client,
    api: Url,
    ingest: Url,
    retried: Cell<u64>,
}

/// What a creation came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Created {
    /// The number that was given.
    pub(crate) number: u64,
    /// Attempts before it of which nobody knows whether they were accepted: a connection lost, a confirm that did not come.
    pub(crate) unsure: usize,
    /// When the answer had arrived.
    pub(crate) at: Instant,
}

/// A page of a list.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the list goes on.
    pub(crate) next: Option<Url>,
    /// Whether a search was answered by the index, and not by scanning the chat.
    pub(crate) from_index: bool,
}

#[derive(Deserialize)]
struct Number {
    number: u64,
}

#[derive(Deserialize)]
struct Application {
    token: String,
}

impl Client {
    pub(crate) fn new(api: &Url, ingest: &Url, connections: usize) -> Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(REQUEST_TIMEOUT)
            .pool_max_idle_per_host(connections)
            .build()
            .context("there can be no HTTP client")?;
        Ok(Self { http, api: api.clone(), ingest: ingest.clone(), retried: Cell::new(0) })
    }

    /// Requests that were sent again so far.
    pub(crate) fn retried(&self) -> u64 {
        self.retried.get()
    }

    /// Fails with one sentence unless both services live.
    pub(crate) async fn check(&self) -> Result<()> {
        for base in [&self.api, &self.ingest] {
            let health = self.http.get(at(base, "/healthz")?).timeout(Duration::from_secs(3)).send().await;
            match health {
                Ok(answer) if answer.status().is_success() => {}
                Ok(answer) => bail!("{base} is not healthy: it answers {}", answer.status()),
                Err(_) => bail!("nothing answers at {base}: is the system running (`make run`)?"),
            }
        }
        Ok(())
    }

    /// Makes an application; its token.
    pub(crate) async fn create_application(&self, name: &str) -> Result<String> {
        let url = at(&self.api, "/applications")?;
        let (answer, _) = self.send(Method::POST, &url, Some(&json!({ "name": name }))).await?;
        Ok(read::<Application>(answer).await?.token)
    }

    /// Makes a chat.
    pub(crate) async fn create_chat(&self, token: &str, name: &str) -> Result<Created> {
        self.create(&format!("/applications/{token}/chats"), &json!({ "name": name })).await
    }

    /// Makes a message.
    pub(crate) async fn create_message(&self, token: &str, chat: u64, body: &str) -> Result<Created> {
        self.create(&format!("/applications/{token}/chats/{chat}/messages"), &json!({ "body": body })).await
    }

    async fn create(&self, path: &str, body: &Value) -> Result<Created> {
        let (answer, unsure) = self.send(Method::POST, &at(&self.ingest, path)?, Some(body)).await?;
        let number = read::<Number>(answer).await?.number;
        Ok(Created { number, unsure, at: Instant::now() })
    }

    /// The first page of a list of the api; nothing when what it belongs to is accepted but not stored yet.
    pub(crate) async fn list<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Page<T>>> {
        let mut url = at(&self.api, path)?;
        url.query_pairs_mut().extend_pairs(query);
        self.page(&url).await
    }

    /// All that a list holds, by following its links from page to page.
    pub(crate) async fn whole_list<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<Page<T>> {
        let mut whole = self.list(path, query).await?.context("a list is not there any more")?;
        while let Some(next) = whole.next.take() {
            let page: Page<T> = self.page(&next).await?.context("a list is not there any more")?;
            whole.items.extend(page.items);
            whole.from_index &= page.from_index;
            whole.next = page.next;
        }
        Ok(whole)
    }

    async fn page<T: DeserializeOwned>(&self, url: &Url) -> Result<Option<Page<T>>> {
        let (answer, _) = self.send(Method::GET, url, None).await?;
        if answer.status() == StatusCode::ACCEPTED {
            return Ok(None);
        }
        let next = header_text(&answer, header::LINK.as_str()).and_then(next_link).and_then(|link| url.join(link).ok());
        let from_index = header_text(&answer, "x-search-source") == Some("index");
        Ok(Some(Page { items: read(answer).await?, next, from_index }))
    }

    /// The first answer that is no call to try again, and how many attempts before it are in doubt.
    async fn send(&self, method: Method, url: &Url, body: Option<&Value>) -> Result<(Response, usize)> {
        let mut retries = Retries::new();
        let mut unsure = 0;
        loop {
            let refusal = match verdict(self.request(&method, url, body).send().await).await {
                Verdict::Answer(answer) => return Ok((answer, unsure)),
                Verdict::Again(refusal) => refusal,
                Verdict::Refused(reason) => bail!("{method} on {} was refused: {reason}", place(url)),
            };
            unsure += usize::from(refusal.unsure);
            self.retried.set(self.retried.get() + 1);
            retries.wait(&refusal).await.with_context(|| format!("{method} on {} got no good answer", place(url)))?;
        }
    }

    fn request(&self, method: &Method, url: &Url, body: Option<&Value>) -> RequestBuilder {
        let request = self.http.request(method.clone(), url.clone());
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }
}

fn at(base: &Url, path: &str) -> Result<Url> {
    base.join(path).with_context(|| format!("{base} is no base of URLs"))
}

/// Host and port: paths hold tokens.
fn place(url: &Url) -> String {
    url.origin().ascii_serialization()
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T> {
    let place = place(answer.url());
    let bytes = answer.bytes().await.map_err(reqwest::Error::without_url);
    let bytes = bytes.with_context(|| format!("an answer of {place} was cut off"))?;
    serde_json::from_slice(&bytes).with_context(|| format!("an answer of {place} is not as expected"))
}

fn header_text<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

/// The target of `rel="next"` in a `Link` header (RFC 8288), as far as the api writes it: no commas or semicolons in targets.
fn next_link(links: &str) -> Option<&str> {
    links.split(',').find_map(|link| {
        let (target, parameters) = link.trim().split_once(';')?;
        let is_next = parameters.split(';').any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then(|| target.trim().strip_prefix('<')?.strip_suffix('>'))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_the_links() {
        let both = "</a/chats?before=51&limit=50>; rel=\"prev\", </a/chats?after=100&limit=50>; rel=\"next\"";
        assert_eq!(next_link(both), Some("/a/chats?after=100&limit=50"));
        assert_eq!(next_link("</a?before=51>; rel=\"prev\""), None);
        assert_eq!(next_link("</a>; title=\"x\"; rel=next"), Some("/a"));
        assert_eq!(next_link("nonsense"), None);
    }
}
