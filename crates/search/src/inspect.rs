//! What the index holds, whatever searches would find: the versions of documents by name, and all documents one after another.
//! For operators' comparisons with MySQL; nothing here changes a document.

use domain::ApplicationId;
use elasticsearch::{ClearScrollParts, MgetParts, ScrollParts, SearchParts};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::document::DocumentId;
use crate::error::{Error, INDEX_MISSING};
use crate::index::SearchIndex;
use crate::mapping::ROOM;
use crate::wire::{self, Shards};

/// How long the server keeps a scan that nobody goes on with.
const KEPT: &str = "2m";

/// A document that the index holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its name: a [`DocumentId`], unless somebody else wrote it.
    pub name: String,
    /// What it is routed by.
    pub routing: Option<String>,
    /// Its version.
    pub version: u64,
}

/// A walk over all documents that were there when it began, in no order.
#[derive(Debug)]
pub struct Scan {
    index: SearchIndex,
    scroll_id: Option<String>,
    first: Option<Vec<Held>>,
    total: u64,
}

impl SearchIndex {
    /// The versions in which the index holds these documents, in their order; `None` where it does not. Sees what was written a
    /// moment ago, also when searches do not yet.
    ///
    /// # Errors
    /// [`Error::IndexMissing`], [`Error::Unavailable`].
    pub async fn versions(&self, ids: &[DocumentId]) -> Result<Vec<Option<u64>>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let docs: Vec<Value> = ids.iter().map(|id| json!({ "_id": id.to_string(), "routing": id.routing() })).collect();
        let sent = self
            .client
            .mget(MgetParts::Index(&self.settings.index))
            ._source(&["false"])
            .filter_path(&["docs.found", "docs._version", "docs.error.type"])
            .body(json!({ "docs": docs }))
            .send()
            .await;
        let answer: Found = wire::read(sent).await?;
        if answer.docs.len() != ids.len() {
            return Err(Error::protocol(format!("{} answers for {} documents", answer.docs.len(), ids.len())));
        }
        answer.docs.into_iter().map(FoundOne::version).collect()
    }

    /// Begins a walk over the documents of one application, or over all, `page` at a time (at most 10,000).
    ///
    /// # Errors
    /// [`Error::IndexMissing`], [`Error::Unavailable`].
    pub async fn scan(&self, application: Option<ApplicationId>, page: u64) -> Result<Scan, Error> {
        let query = match application {
            Some(application) => json!({ "prefix": { ROOM: format!("{}-", application.get()) } }),
            None => json!({ "match_all": {} }),
        };
        let sent = self
            .client
            .search(SearchParts::Index(&[&self.settings.index]))
            .scroll(KEPT)
            .allow_partial_search_results(false)
            .body(json!({
                "query": query,
                "sort": ["_doc"],
                "size": page,
                "version": true,
                "_source": false,
                "stored_fields": ["_routing"],
                "track_total_hits": true,
            }))
            .send()
            .await;
        let answer: Page = wire::read(sent).await?;
        let total = answer.hits.total.as_ref().map_or(0, |total| total.value);
        Ok(Scan { index: self.clone(), total, scroll_id: answer.scroll_id.clone(), first: Some(answer.held()?) })
    }
}

impl Scan {
    /// How many documents there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The next page; an empty one is the end.
    ///
    /// # Errors
    /// [`Error::Unavailable`] also when the server has let go of the scan: it must begin anew.
    pub async fn next(&mut self) -> Result<Vec<Held>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let Some(scroll_id) = &self.scroll_id else { return Ok(Vec::new()) };
        let sent =
            self.index.client.scroll(ScrollParts::None).body(json!({ "scroll": KEPT, "scroll_id": scroll_id })).send().await;
        let answer: Page = match wire::read(sent).await {
            Err(Error::Rejected { status: 404, kind }) => {
                return Err(Error::Unavailable(format!("the scan was dropped: {kind}")));
            }
            outcome => outcome?,
        };
        self.scroll_id = answer.scroll_id.clone();
        answer.held()
    }

    /// Tells the server that it need not keep the scan any longer; it would drop it by itself.
    pub async fn close(self) {
        if let Some(scroll_id) = self.scroll_id {
            let sent = self.index.client.clear_scroll(ClearScrollParts::None).body(json!({ "scroll_id": scroll_id })).send();
            let _ = wire::accepted(sent.await).await;
        }
    }
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    docs: Vec<FoundOne>,
}

#[derive(Deserialize)]
struct FoundOne {
    found: Option<bool>,
    #[serde(rename = "_version")]
    version: Option<u64>,
    error: Option<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    #[serde(rename = "type")]
    kind: String,
}

impl FoundOne {
    fn version(self) -> Result<Option<u64>, Error> {
        match (self.error, self.found) {
            (Some(error), _) if error.kind == INDEX_MISSING => Err(Error::IndexMissing),
            (Some(error), _) => Err(Error::Unavailable(format!("a document could not be looked up: {}", error.kind))),
            (None, Some(true)) => Ok(self.version),
            (None, _) => Ok(None),
        }
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "_scroll_id")]
    scroll_id: Option<String>,
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: Shards,
    hits: Hits,
}

#[derive(Deserialize)]
struct Hits {
    total: Option<Total>,
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Total {
    value: u64,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_routing")]
    routing: Option<String>,
    #[serde(rename = "_version")]
    version: u64,
}

impl Page {
    fn held(self) -> Result<Vec<Held>, Error> {
        if self.timed_out {
            return Err(Error::Unavailable("the index was read too slowly".to_owned()));
        }
        self.shards.all()?;
        let held = |hit: Hit| Held { name: hit.id, routing: hit.routing, version: hit.version };
        Ok(self.hits.hits.into_iter().map(held).collect())
    }
}
