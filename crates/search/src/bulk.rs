//! Writing documents, many in one request. Must never let an older version of a message replace a newer one, nor let one
//! document's fault keep others from the index.

use std::time::{Duration, Instant};

use elasticsearch::BulkParts;
use elasticsearch::params::Refresh;
use serde::{Deserialize, Serialize};

use crate::document::{Document, DocumentId};
use crate::error::{Error, INDEX_MISSING, UNKNOWN_FIELD, is_documents_fault};
use crate::fold::fold;
use crate::grams::Terms;
use crate::index::SearchIndex;
use crate::pace::Pace;
use crate::wire::{self, Outcome};

/// A bulk request may take this many times as long as another one: nobody waits for its answer.
const TIMEOUT_FACTOR: u32 = 5;

/// The error type of a write that the disk did not take, or that came to a shard whose disk had not taken another.
const UNWRITTEN: &str = "i_o_exception";

/// What became of the documents that were given to [`SearchIndex::index`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indexed {
    /// How many the index now holds in this version or a newer one.
    pub ok: usize,
    /// Those to be given again later: the server, or the index, could not take them now.
    pub retry: Vec<DocumentId>,
    /// Why it did not take the first of these: the status, and the server's name for the reason.
    pub retry_reason: Option<String>,
    /// How many of these it could not write to its disk. What it took before may be lost then, too: a full disk has had
    /// Elasticsearch 8.19 forget what it had acknowledged.
    pub unwritten: usize,
    /// Those that the server will never take, with its name for the reason.
    pub rejected: Vec<(DocumentId, String)>,
}

impl SearchIndex {
    /// Writes the documents, one request after the other, each as large as the server answers soon. A document with a version
    /// below the one in the index is left out and counts as written, so that the same documents may be given any number of times
    /// in any order.
    ///
    /// # Errors
    /// When a request as a whole fails: some of the documents may have been written, and all may be given again.
    pub async fn index(&self, documents: &[Document]) -> Result<Indexed, Error> {
        self.write(documents, Refresh::False).await
    }

    /// As [`SearchIndex::index`], and answers only when searches show the documents: up to `refresh_ms` later.
    ///
    /// # Errors
    /// As [`SearchIndex::index`].
    pub async fn index_and_show(&self, documents: &[Document]) -> Result<Indexed, Error> {
        self.write(documents, Refresh::WaitFor).await
    }

    async fn write(&self, documents: &[Document], refresh: Refresh) -> Result<Indexed, Error> {
        let mut indexed = Indexed::default();
        let mut batch = Batch::default();
        for document in documents {
            let action = action(document)?;
            if !batch.has_room_for(&action, self.pace_of(refresh).bytes()) {
                self.send(std::mem::take(&mut batch), refresh, &mut indexed).await?;
            }
            batch.push(document.id(), &action);
        }
        self.send(batch, refresh, &mut indexed).await?;
        Ok(indexed)
    }

    async fn send(&self, batch: Batch, refresh: Refresh, indexed: &mut Indexed) -> Result<(), Error> {
        if batch.ids.is_empty() {
            return Ok(());
        }
        let (bytes, began) = (batch.lines.len(), Instant::now());
        let answer = self.request_bulk(batch.lines, refresh).await;
        self.meters.writes.record(&answer, began.elapsed());
        match (&answer, refresh) {
            (Err(_), _) => self.pace_of(refresh).failed(),
            (Ok(_), Refresh::False) => self.pace.took(bytes, began.elapsed()),
            // Most of the time went by in waiting for the next refresh.
            (Ok(_), _) => self.showing_pace.answered(bytes),
        }
        settle(&batch.ids, answer?, indexed)
    }

    /// Who waits until searches show the documents waits once for each request, so those are as large as the server lets them be.
    fn pace_of(&self, refresh: Refresh) -> &Pace {
        if refresh == Refresh::False { &self.pace } else { &self.showing_pace }
    }

    async fn request_bulk(&self, lines: Vec<u8>, refresh: Refresh) -> Result<Answer, Error> {
        let timeout = self.settings.timeout() * TIMEOUT_FACTOR;
        let sent = self
            .client
            .bulk(BulkParts::Index(&self.settings.index))
            // Without it, a server that lost its index would make one with a mapping of its own guess.
            .require_alias(true)
            .refresh(refresh)
            .filter_path(&["items.*.status", "items.*.error.type"])
            .request_timeout(timeout)
            .timeout(&milliseconds(timeout))
            .body(vec![lines])
            .send()
            .await;
        wire::read(sent).await
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

/// A request in the making.
#[derive(Default)]
struct Batch {
    ids: Vec<DocumentId>,
    lines: Vec<u8>,
}

impl Batch {
    /// Whether the request stays within so many bytes with one more document; a single one may be larger.
    fn has_room_for(&self, action: &[u8], bytes: usize) -> bool {
        self.ids.is_empty() || self.lines.len() + action.len() <= bytes
    }

    fn push(&mut self, id: DocumentId, action: &[u8]) {
        self.ids.push(id);
        self.lines.extend_from_slice(action);
    }
}

#[derive(Serialize)]
struct Header {
    index: Target,
}

#[derive(Serialize)]
struct Target {
    _id: String,
    routing: String,
    version: u64,
    version_type: &'static str,
}

#[derive(Serialize)]
struct Fields<'a> {
    room: &'a str,
    place: u64,
    grams: &'a str,
    short: &'a str,
}

/// A document as the bulk format's two lines: what to do, and the document.
fn action(document: &Document) -> Result<Vec<u8>, Error> {
    let id = document.id();
    let room = id.routing();
    let terms = Terms::of(&fold(document.body.as_str()));
    let fields = Fields { room: &room, place: id.place(), grams: &terms.grams, short: &terms.short };
    let target = Target { _id: id.to_string(), routing: room.clone(), version: document.version, version_type: "external_gte" };
    let mut lines = serde_json::to_vec(&Header { index: target }).map_err(Error::protocol)?;
    lines.push(b'\n');
    serde_json::to_writer(&mut lines, &fields).map_err(Error::protocol)?;
    lines.push(b'\n');
    Ok(lines)
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: Outcome,
}

/// The answer has one item a document, in their order.
fn settle(ids: &[DocumentId], answer: Answer, indexed: &mut Indexed) -> Result<(), Error> {
    if answer.items.len() != ids.len() {
        return Err(Error::protocol(format!("{} items for {} documents", answer.items.len(), ids.len())));
    }
    for (&id, Item { index: Outcome { status, error } }) in ids.iter().zip(answer.items) {
        let kind = error.map_or_else(|| "for no stated reason".to_owned(), |cause| cause.kind);
        match status {
            200..=299 => indexed.ok += 1,
            // A newer version is there already.
            409 => indexed.ok += 1,
            404 if kind == INDEX_MISSING => return Err(Error::IndexMissing),
            400 if kind == UNKNOWN_FIELD => return Err(Error::OtherFields),
            status if is_documents_fault(status, &kind) => indexed.rejected.push((id, format!("{status} {kind}"))),
            status => {
                indexed.unwritten += usize::from(kind == UNWRITTEN);
                indexed.retry.push(id);
                indexed.retry_reason.get_or_insert_with(|| format!("{status} {kind}"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::{ApplicationId, ChatNumber, MessageBody, MessageNumber};

    use super::*;

    fn document(number: u64, body: &str) -> Document {
        Document {
            application_id: ApplicationId::new(7),
            chat: ChatNumber::new(3).unwrap(),
            number: MessageNumber::new(number).unwrap(),
            version: 2,
            body: MessageBody::new(body).unwrap(),
        }
    }

    #[test]
    fn an_action_is_two_lines_that_name_document_chat_and_version() {
        let lines = String::from_utf8(action(&document(9, "Hi\n\"you\"")).unwrap()).unwrap();
        let lines: Vec<_> = lines.split_terminator('\n').collect();
        assert_eq!(lines[0], r#"{"index":{"_id":"7-3-9","routing":"7-3","version":2,"version_type":"external_gte"}}"#);
        assert!(lines[1].starts_with(r#"{"room":"7-3","place":5179139571476070409,"grams":"hi＿ i＿\" "#), "{}", lines[1]);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn a_batch_is_full_at_its_size_but_takes_any_single_document() {
        let mut batch = Batch::default();
        assert!(batch.has_room_for(&[0; 101], 100));
        batch.push(document(1, "a").id(), &[0; 90]);
        assert!(batch.has_room_for(&[0; 10], 100));
        assert!(!batch.has_room_for(&[0; 11], 100));
    }

    #[test]
    fn each_item_of_an_answer_is_settled_for_itself() {
        let ids: Vec<_> = (1..=6).map(|number| document(number, "a").id()).collect();
        let answer = r#"{"items":[{"index":{"status":201}},{"index":{"status":409,"error":{"type":"version_conflict_engine_exception"}}},
            {"index":{"status":429,"error":{"type":"es_rejected_execution_exception"}}},{"index":{"status":200}},
            {"index":{"status":400,"error":{"type":"document_parsing_exception"}}},{"index":{"status":503,"error":{"type":"x"}}}]}"#;
        let mut indexed = Indexed::default();
        settle(&ids, serde_json::from_str(answer).unwrap(), &mut indexed).unwrap();
        let rejected = vec![(ids[4], "400 document_parsing_exception".to_owned())];
        let retry_reason = Some("429 es_rejected_execution_exception".to_owned());
        assert_eq!(indexed, Indexed { ok: 3, retry: vec![ids[2], ids[5]], retry_reason, unwritten: 0, rejected });
    }

    #[test]
    fn what_keeps_every_document_out_is_held_against_none() {
        let ids: Vec<_> = (1..=5).map(|number| document(number, "a").id()).collect();
        let answer = r#"{"items":[{"index":{"status":403,"error":{"type":"cluster_block_exception"}}},
            {"index":{"status":403,"error":{"type":"security_exception"}}},
            {"index":{"status":400,"error":{"type":"index_closed_exception"}}},
            {"index":{"status":400,"error":{"type":"illegal_argument_exception"}}},
            {"index":{"status":413,"error":{"type":"x"}}}]}"#;
        let mut indexed = Indexed::default();
        settle(&ids, serde_json::from_str(answer).unwrap(), &mut indexed).unwrap();
        let retry_reason = Some("403 cluster_block_exception".to_owned());
        let rejected = vec![(ids[4], "413 x".to_owned())];
        assert_eq!(indexed, Indexed { ok: 0, retry: ids[..4].to_vec(), retry_reason, unwritten: 0, rejected });
    }

    #[test]
    fn an_index_of_other_fields_is_told_of_as_such() {
        let answer = r#"{"items":[{"index":{"status":400,"error":{"type":"strict_dynamic_mapping_exception"}}}]}"#;
        let settled = settle(&[document(1, "a").id()], serde_json::from_str(answer).unwrap(), &mut Indexed::default());
        assert!(matches!(settled, Err(Error::OtherFields)), "{settled:?}");
    }

    #[test]
    fn what_the_disk_did_not_take_is_given_again_and_told_apart() {
        let ids: Vec<_> = (1..=3).map(|number| document(number, "a").id()).collect();
        let answer = r#"{"items":[{"index":{"status":201}},{"index":{"status":500,"error":{"type":"i_o_exception"}}},
            {"index":{"status":503,"error":{"type":"unavailable_shards_exception"}}}]}"#;
        let mut indexed = Indexed::default();
        settle(&ids, serde_json::from_str(answer).unwrap(), &mut indexed).unwrap();
        let retry_reason = Some("500 i_o_exception".to_owned());
        assert_eq!(indexed, Indexed { ok: 1, retry: ids[1..].to_vec(), retry_reason, unwritten: 1, rejected: Vec::new() });
    }

    #[test]
    fn an_answer_that_leaves_a_document_out_is_not_believed() {
        let ids = [document(1, "a").id(), document(2, "a").id()];
        let answer = serde_json::from_str(r#"{"items":[{"index":{"status":201}}]}"#).unwrap();
        assert!(matches!(settle(&ids, answer, &mut Indexed::default()), Err(Error::Protocol(_))));
    }
}
