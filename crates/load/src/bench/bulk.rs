//! Documents straight into Elasticsearch, by `_bulk` requests that were made before the clock starts: the limit that indexing is
//! held against.

use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use futures_util::future::try_join_all;
use reqwest::{Client, Method};
use search::{DocumentId, SearchIndex, Settings, Terms, fold};
use serde_json::{Value, json};

/// Bytes of one request: as many as ours have.
const REQUEST_BYTES: usize = 2 * 1024 * 1024;
/// Requests under way at once: more of them find no further processor here.
const CONNECTIONS: usize = 2;
/// Documents that are held in memory at once.
const BLOCK: usize = 20_000;

/// What a document is made of.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) application: u64,
    pub(super) chat: u64,
    pub(super) number: u64,
    pub(super) body: String,
}

impl Text {
    /// The document that ours is: terms of the folded text, and where it belongs.
    pub(super) fn ours(&self) -> Value {
        let terms = Terms::of(&fold(&self.body));
        let place = DocumentId::parse(&self.name()).map(|id| id.place());
        json!({ "room": self.room(), "place": place, "grams": terms.grams, "short": terms.short })
    }

    pub(super) fn room(&self) -> String {
        format!("{}-{}", self.application, self.chat)
    }

    fn name(&self) -> String {
        format!("{}-{}", self.room(), self.number)
    }

    /// The two lines that ask for it to be written as `document`, routed and versioned as ours are.
    fn action(&self, document: &Value) -> String {
        let target = json!({ "_id": self.name(), "routing": self.room(), "version": 1, "version_type": "external_gte" });
        format!("{}\n{document}\n", json!({ "index": target }))
    }
}

/// Makes an index as ours is, behind the alias `name`. The first version's own name is `name-v1`.
pub(super) async fn empty_index(url: &str, name: &str) -> anyhow::Result<SearchIndex> {
    let settings = Settings {
        url: url.to_owned(),
        index: name.to_owned(),
        timeout_ms: 2_000,
        shards: 1,
        replicas: 0,
        refresh_ms: 500,
        tls: Default::default(),
    };
    let index = SearchIndex::connect(&settings)?;
    index.ensure_index().await?;
    Ok(index)
}

/// Elasticsearch as a plain client uses it.
pub(super) struct Elastic {
    http: Client,
    url: String,
}

impl Elastic {
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(120)).build()?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned() })
    }

    /// One request; its answer must be a success.
    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.http.request(method, format!("{}/{path}", self.url)).header("content-type", "application/json");
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path} was answered {status}: {}", text.chars().take(300).collect::<String>());
        Ok(serde_json::from_str(&text)?)
    }

    /// Writes all texts as `document` makes them, block by block. How long the requests took, their making left out.
    pub(super) async fn write(
        &self,
        index: &str,
        texts: impl IntoIterator<Item = Text>,
        document: impl Fn(&Text) -> Value,
    ) -> anyhow::Result<Duration> {
        let mut texts = texts.into_iter().peekable();
        let mut took = Duration::ZERO;
        while texts.peek().is_some() {
            let actions = texts.by_ref().take(BLOCK).map(|text| text.action(&document(&text)));
            let requests = requests(actions, REQUEST_BYTES);
            let begun = Instant::now();
            self.send(index, &requests).await?;
            took += begun.elapsed();
        }
        Ok(took)
    }

    async fn send(&self, index: &str, requests: &[Bytes]) -> anyhow::Result<()> {
        let lanes = (0..CONNECTIONS).map(async |lane| {
            for request in requests.iter().skip(lane).step_by(CONNECTIONS) {
                self.bulk(index, request.clone()).await?;
            }
            anyhow::Ok(())
        });
        try_join_all(lanes).await?;
        Ok(())
    }

    async fn bulk(&self, index: &str, lines: Bytes) -> anyhow::Result<()> {
        let url = format!("{}/{index}/_bulk?filter_path=errors", self.url);
        let answer = self.http.post(url).header("content-type", "application/x-ndjson").body(lines).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success() && text.contains("false"), "_bulk was answered {status}: {text}");
        Ok(())
    }

    /// Makes what was written searchable, and all of it a part of the files. Bytes of the index: of its segments, because the
    /// size that the index's own figures tell may be ten seconds old.
    pub(super) async fn finish(&self, index: &str) -> anyhow::Result<u64> {
        for step in ["_refresh", "_flush"] {
            self.ask(Method::POST, &format!("{index}/{step}"), None).await?;
        }
        let told = self.ask(Method::GET, &format!("{index}/_segments"), None).await?;
        let bytes = bytes_of_segments(&told["indices"][index]);
        ensure!(bytes > 0, "{index} has no segments");
        Ok(bytes)
    }
}

/// Of all shards.
fn bytes_of_segments(index: &Value) -> u64 {
    let members = |value: &Value| value.as_object().into_iter().flat_map(|object| object.values().cloned()).collect::<Vec<_>>();
    let copies = members(&index["shards"]).into_iter().flat_map(|copies| copies.as_array().cloned().unwrap_or_default());
    copies.flat_map(|copy| members(&copy["segments"])).filter_map(|segment| segment["size_in_bytes"].as_u64()).sum()
}

/// Actions put together to requests of at most `limit` bytes, but for a single one that is larger.
fn requests(actions: impl IntoIterator<Item = String>, limit: usize) -> Vec<Bytes> {
    let mut requests = Vec::new();
    let mut lines = String::new();
    for action in actions {
        if !lines.is_empty() && lines.len() + action.len() > limit {
            requests.push(Bytes::from(std::mem::take(&mut lines)));
        }
        lines += &action;
    }
    if !lines.is_empty() {
        requests.push(Bytes::from(lines));
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_names_document_and_chat_as_ours_do() {
        let text = Text { application: 7, chat: 3, number: 9, body: "Hi".to_owned() };
        let action = text.action(&text.ours());
        let lines: Vec<Value> = action.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let target = json!({ "_id": "7-3-9", "routing": "7-3", "version": 1, "version_type": "external_gte" });
        assert_eq!(lines[0], json!({ "index": target }));
        assert_eq!(lines[1], json!({ "room": "7-3", "place": 5_179_139_571_476_070_409_u64, "grams": "", "short": "h i hi" }));
        assert!(action.ends_with('\n'));
    }

    #[test]
    fn an_index_is_as_large_as_its_segments() {
        let segment = |bytes: u64| json!({ "num_docs": 3, "size_in_bytes": bytes });
        let shard = json!([{ "segments": { "_0": segment(40), "_3": segment(2) } }]);
        let index = json!({ "shards": { "0": shard, "1": [{ "segments": { "_7": segment(100) } }] } });
        assert_eq!(bytes_of_segments(&index), 142);
        assert_eq!(bytes_of_segments(&json!({ "shards": {} })), 0);
    }

    #[test]
    fn requests_keep_to_their_size_and_lose_nothing() {
        let action = |bytes: usize| "x".repeat(bytes);
        let sizes = |requests: &[Bytes]| requests.iter().map(Bytes::len).collect::<Vec<_>>();
        assert_eq!(sizes(&requests([action(4), action(4), action(4), action(30), action(1)], 10)), [8, 4, 30, 1]);
        assert_eq!(sizes(&requests([], 10)), [0_usize; 0]);
    }
}
