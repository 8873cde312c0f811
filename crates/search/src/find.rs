//! Finding the messages of a chat that match a query. Must never give an incomplete list for a complete one.

use std::time::Instant;

use domain::{ApplicationId, ChatNumber, MessageNumber};
use elasticsearch::SearchParts;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::document::Room;
use crate::error::Error;
use crate::index::SearchIndex;
use crate::mapping::{PLACE, ROOM};
use crate::place::Places;
use crate::query::Query;
use crate::windows::{Window, windows};
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
    /// The chat's messages that match: the `limit` (at most 10,000) next to the cursor, in its order. None has a number above
    /// `highest`: who does not know the chat's highest number says one that is larger, and it takes a request or two more.
    ///
    /// # Errors
    /// [`Error::Unavailable`] also when only a part of the index answered; [`Error::IndexMissing`].
    pub async fn search(
        &self,
        application_id: ApplicationId,
        chat: ChatNumber,
        query: &Query,
        cursor: Cursor,
        highest: u64,
        limit: u64,
    ) -> Result<Vec<Hit>, Error> {
        let began = Instant::now();
        let room = Room { application_id, chat };
        let found = self.look(room, query, cursor, highest, limit.min(MAX_HITS)).await;
        self.meters.searches.record(&found, began.elapsed());
        found
    }

    /// Looks at one part of the chat after the other, until there are hits enough.
    async fn look(&self, room: Room, query: &Query, cursor: Cursor, highest: u64, limit: u64) -> Result<Vec<Hit>, Error> {
        let mut hits: Vec<Hit> = Vec::new();
        for window in windows(cursor, highest) {
            let missing = limit.saturating_sub(hits.len() as u64);
            if missing == 0 {
                break;
            }
            hits.append(&mut self.request(room, query, cursor, window, missing).await?);
        }
        Ok(hits)
    }

    async fn request(&self, room: Room, query: &Query, cursor: Cursor, window: Window, limit: u64) -> Result<Vec<Hit>, Error> {
        let (places, name) = (Places::of(room), room.to_string());
        let timeout = format!("{}ms", self.settings.timeout_ms);
        let sent = self
            .client
            .search(SearchParts::Index(&[&self.settings.index]))
            .routing(&[&name])
            .allow_partial_search_results(false)
            .filter_path(&["timed_out", "hits.hits.sort", "hits.hits._version"])
            .body(body(&name, places, query, cursor, window, limit, &timeout))
            .send()
            .await;
        hits(wire::read(sent).await?, places)
    }
}

/// The answer's order tells the numbers (`sort`), so nothing of the documents is fetched but their versions. (With a version the
/// server reads their names too, which are not sent.) Hits beyond the limit are not counted.
fn body(room: &str, places: Places, query: &Query, cursor: Cursor, window: Window, limit: u64, timeout: &str) -> Value {
    let order = match cursor {
        Cursor::After(_) => "asc",
        Cursor::Before(_) => "desc",
    };
    let range = json!({ "gte": places.place(window.first), "lte": places.place(window.last) });
    json!({
        // The range is of other chats' places, too, which share the code.
        "query": { "bool": { "filter": [{ "term": { ROOM: room } }, { "range": { PLACE: range } }, query.to_json()] } },
        "sort": [{ PLACE: order }],
        "size": limit,
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
    sort: [u64; 1],
    #[serde(rename = "_version")]
    version: u64,
}

fn hits(answer: Answer, places: Places) -> Result<Vec<Hit>, Error> {
    if answer.timed_out {
        return Err(Error::Unavailable("the search took too long".to_owned()));
    }
    let hit = |Found { sort: [place], version }| {
        let number = places.number(place).ok_or_else(|| Error::protocol(format!("{place} is no place of the chat")))?;
        Ok(Hit { number, version })
    };
    answer.hits.hits.into_iter().map(hit).collect()
}
