//! Takes documents out of the index: those that stand for no message. Must never take out a newer version than the one that was
//! looked at.

use elasticsearch::BulkParts;
use serde::Deserialize;
use serde_json::json;

use crate::error::{Error, INDEX_MISSING};
use crate::index::SearchIndex;
use crate::inspect::Held;
use crate::wire::{self, Outcome};

impl SearchIndex {
    /// Removes these documents unless newer versions of them are there, and returns how many are gone. At most a thousand at a
    /// time. One that was written anew in the same version goes, too: it stands for a message by then, which the next comparison
    /// misses.
    ///
    /// The removal keeps the document's version: should its number be stored after all, its first version is not older.
    ///
    /// # Errors
    /// When the request as a whole fails; it may be repeated.
    pub async fn remove(&self, documents: &[Held]) -> Result<u64, Error> {
        if documents.is_empty() {
            return Ok(0);
        }
        let mut lines = Vec::new();
        for Held { name, routing, version } in documents {
            let target = json!({ "delete": {
                "_id": name, "routing": routing, "version": version, "version_type": "external_gte",
            } });
            serde_json::to_writer(&mut lines, &target).map_err(Error::protocol)?;
            lines.push(b'\n');
        }
        let sent = self
            .client
            .bulk(BulkParts::Index(&self.settings.index))
            .require_alias(true)
            .filter_path(&["items.*.status", "items.*.error.type"])
            .body(vec![lines])
            .send()
            .await;
        let answer: Answer = wire::read(sent).await?;
        if answer.items.iter().any(|item| item.delete.error.as_ref().is_some_and(|error| error.kind == INDEX_MISSING)) {
            return Err(Error::IndexMissing);
        }
        // 404: gone already.
        let gone = |item: &&Item| matches!(item.delete.status, 200..=299 | 404);
        Ok(answer.items.iter().filter(gone).count() as u64)
    }
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    delete: Outcome,
}
