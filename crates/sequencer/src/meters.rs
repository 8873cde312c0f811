//! What is measured of Redis: how long calls take, and whether the server is one to give numbers.

use std::time::Duration;

use metrics::{Histogram, gauge, histogram};

/// Looked up once: every create makes such a call.
pub(crate) struct Meters {
    ok: Histogram,
    failed: Histogram,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let calls = |outcome| histogram!("chat_redis_call_seconds", "outcome" => outcome);
        Self { ok: calls("ok"), failed: calls("failed") }
    }

    pub(crate) fn call(&self, is_ok: bool, took: Duration) {
        if is_ok { &self.ok } else { &self.failed }.record(took);
    }
}

/// Stays as it was found last while nothing can be found.
pub(crate) fn unfit(too_old: bool, evicts: bool) {
    for (cause, is_so) in [("version", too_old), ("eviction", evicts)] {
        gauge!("chat_redis_unfit", "cause" => cause).set(u8::from(is_so));
    }
}
