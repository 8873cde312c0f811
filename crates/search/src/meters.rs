//! How long requests to Elasticsearch take, and how many fail. Every series is there from the start.

use std::time::Duration;

use metrics::{Histogram, histogram};

#[derive(Clone)]
pub(crate) struct Meters {
    pub(crate) searches: Requests,
    pub(crate) writes: Requests,
}

/// Requests of one kind, by their outcome.
#[derive(Clone)]
pub(crate) struct Requests {
    ok: Histogram,
    failed: Histogram,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let searches = |outcome| histogram!("chat_search_seconds", "outcome" => outcome);
        let writes = |outcome| histogram!("chat_index_seconds", "outcome" => outcome);
        Self {
            searches: Requests { ok: searches("ok"), failed: searches("failed") },
            writes: Requests { ok: writes("ok"), failed: writes("failed") },
        }
    }
}

impl Requests {
    pub(crate) fn record<T, E>(&self, outcome: &Result<T, E>, took: Duration) {
        if outcome.is_ok() { &self.ok } else { &self.failed }.record(took);
    }
}
