//! How soon new text is found after an outage: by the index itself, for a scan of MySQL finds it without Elasticsearch, too.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::Method;
use tokio::time::sleep;

use crate::connection::Connection;

const PAUSE: Duration = Duration::from_millis(100);
/// After this it is not slow but broken.
const LIMIT: Duration = Duration::from_secs(90);
/// For one answer; all come within 3 s.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// Where a text is written, and looked for.
pub(crate) struct Place {
    pub(crate) api: SocketAddr,
    pub(crate) ingest: SocketAddr,
    /// The path of a chat's messages that nobody else writes to.
    pub(crate) messages: String,
}

/// Writes a text that no message has had yet, from now on until it is accepted, and searches it. Returns how long after `back`,
/// the outage's end, it was found through the index, or `None` when that took far too long.
pub(crate) async fn found_by_index(place: &Place, turn: u32, back: Instant) -> Option<Duration> {
    // No turn's text is a part of another's.
    let text = format!("found-after-{turn}-again");
    let body = Bytes::from(format!(r#"{{"body":"{text}"}}"#));
    let mut writing = Connection::to(place.ingest).within(ANSWERED_WITHIN);
    let mut reading = Connection::to(place.api).within(ANSWERED_WITHIN);
    let query = format!("{}/search?query={text}&limit=1", place.messages);
    let mut written = false;
    while back.elapsed() < LIMIT {
        // One that was refused, or had no answer, may be stored all the same: found is found.
        written = written || writing.post(&place.messages, body.clone()).await.is_ok_and(|(status, _)| status.is_success());
        let answer = reading.send(Method::GET, &query, None, Bytes::new(), ANSWERED_WITHIN).await;
        let found = answer.is_ok_and(|answer| {
            let by_index = answer.headers().get("x-search-source").is_some_and(|source| source == "index");
            let told = String::from_utf8_lossy(answer.body()).contains(&text);
            answer.status().is_success() && by_index && told
        });
        if found {
            return Some(back.elapsed());
        }
        sleep(PAUSE).await;
    }
    None
}
