//! What came of reads and updates, counted. The handles are made once: reads are hot.

use metrics::{Counter, counter};

pub(crate) struct Metrics {
    pub(crate) hit: Counter,
    pub(crate) miss: Counter,
    pub(crate) busy: Counter,
    pub(crate) full: Counter,
    pub(crate) unavailable: Counter,
    pub(crate) unblocked: Counter,
    pub(crate) block_lost: Counter,
    pub(crate) not_blocked: Counter,
    pub(crate) not_unblocked: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let read = |outcome| counter!("chat_cache_reads_total", "outcome" => outcome);
        let update = |outcome| counter!("chat_cache_updates_total", "outcome" => outcome);
        Self {
            hit: read("hit"),
            miss: read("miss"),
            busy: read("busy"),
            full: read("full"),
            unavailable: read("unavailable"),
            unblocked: update("unblocked"),
            block_lost: update("block_lost"),
            not_blocked: update("not_blocked"),
            not_unblocked: update("not_unblocked"),
        }
    }
}
