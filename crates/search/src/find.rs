//! Finding the messages of a chat that match a query. Must never give an incomplete list for a complete one.

use std::time::Instant;

use domain::{ApplicationId, ChatNumber, MAX_NUMBER, MessageNumber};
use elasticsearch::SearchParts;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::document::Room;
use crate::error::Error;
use crate::index::SearchIndex;
use crate::mapping::{NUMBER, ROOM};
use crate::query::Query;
use crate::wire;

/// Hits of one request at most: Elasticsearch's own bound (`index.max_result_window`).
const MAX_HITS: u64 = 10_000;

/// Which of the hits are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// Those with the lowest numbers above this one, ascending.
    After(u64),
    /// Those with the highest numbers below this one, descending.
    Before(u64),
}

/// A message that matches, as the index holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Its number in the chat.
    pub number: MessageNumber,
    /// The version whose text matches. A message that has this version still has that text; one that has another may have been
    /// edited.
    pub version: u64,
}

impl SearchIndex {
    /// The chat's messages that match: the `limit` (at most 10,000) next to the cursor, in its order.
    ///
    /// # Errors
    /// [`Error::Unavailable`] also when only a part of the index answered; [`Error::IndexMissing`].
    pub async fn search(
        &self,
        application_id: ApplicationId,
        chat: ChatNumber,
        query: &Query,
        cursor: Cursor,
        limit: u64,
    ) -> Result<Vec<Hit>, Error> {
        if cursor.is_at_the_end() || limit == 0 {
            return Ok(Vec::new());
        }
        let began = Instant::now();
        let found = self.request(Room { application_id, chat }, query, cursor, limit).await;
        self.meters.searches.record(&found, began.elapsed());
        found
    }

    async fn request(&self, room: Room, query: &Query, cursor: Cursor, limit: u64) -> Result<Vec<Hit>, Error> {
        let room = room.to_string();
        let timeout = format!("{}ms", self.settings.timeout_ms);
        let sent = self
            .client
            .search(SearchParts::Index(&[&self.settings.index]))
            .routing(&[&room])
            .allow_partial_search_results(false)
            .filter_path(&["timed_out", "hits.hits.sort", "hits.hits._version"])
            .body(body(&room, query, cursor, limit, &timeout))
            .send()
            .await;
        hits(wire::read(sent).await?)
    }
}

impl Cursor {
    /// Whether no number can lie behind it; what is larger than every number Elasticsearch could not read.
    fn is_at_the_end(self) -> bool {
        match self {
            Self::After(number) => number >= MAX_NUMBER,
            Self::Before(number) => number <= 1,
        }
    }
}

/// The answer's order tells the numbers (`sort`), so nothing of the documents is fetched but their versions. (With a version the
/// server reads their names too, which are not sent.) Hits beyond the limit are not counted.
fn body(room: &str, query: &Query, cursor: Cursor, limit: u64, timeout: &str) -> Value {
    let (order, from) = match cursor {
        Cursor::After(number) => ("asc", number),
        Cursor::Before(number) => ("desc", number.min(MAX_NUMBER + 1)),
    };
    json!({
        "query": { "bool": { "filter": [{ "term": { ROOM: room } }, query.to_json()] } },
        "sort": [{ NUMBER: order }],
        "search_after": [from],
        "size": limit.min(MAX_HITS),
        "track_total_hits": false,
        "version": true,
        "_source": false,
        "stored_fields": [],
        "timeout": timeout,
    })
}

#[derive(Deserialize)]
struct Answer {
    timed_out: bool,
    #[serde(default)]
    hits: Hits,
}

#[derive(Deserialize, Default)]
struct Hits {
    #[serde(default)]
    hits: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    sort: [MessageNumber; 1],
    #[serde(rename = "_version")]
    version: u64,
}

fn hits(answer: Answer) -> Result<Vec<Hit>, Error> {
    if answer.timed_out {
        return Err(Error::Unavailable("the search took too long".to_owned()));
    }
    Ok(answer.hits.hits.into_iter().map(|Found { sort: [number], version }| Hit { number, version }).collect())
}
