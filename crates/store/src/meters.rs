//! What is measured of MySQL: how much of the pool is used, how long one waits for it, how long statements take, what fails.
//! Every series is there from the start. Nothing here may fail or wait.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::{Error, Pool};

/// Of one of the process' pools, into the figures of all.
#[derive(Debug)]
pub(crate) struct PoolMeters {
    used: Gauge,
    idle: Gauge,
    /// How many of this pool's stand in that figure.
    idle_here: Mutex<usize>,
    waiting: Gauge,
    acquire: Histogram,
    exhausted: Counter,
    refused: Counter,
}

impl PoolMeters {
    /// `size` is that of all pools together.
    pub(crate) fn new(size: usize) -> Arc<Self> {
        let connections = |state| gauge!("chat_mysql_pool_connections", "state" => state);
        let failures = |cause| counter!("chat_mysql_acquire_failures_total", "cause" => cause);
        gauge!("chat_mysql_pool_max_connections").set(size as f64);
        Arc::new(Self {
            used: connections("used"),
            idle: connections("idle"),
            idle_here: Mutex::new(0),
            waiting: gauge!("chat_mysql_pool_waiting_requests"),
            acquire: histogram!("chat_mysql_acquire_seconds"),
            exhausted: failures("exhausted"),
            refused: failures("refused"),
        })
    }

    /// Somebody waits for a connection until what is returned is dropped.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        self.waiting.increment(1.0);
        Waiting(self)
    }

    pub(crate) fn waited(&self, took: Duration) {
        self.acquire.record(took);
    }

    pub(crate) fn failed(&self, error: &Error) {
        if matches!(error, Error::PoolExhausted) { &self.exhausted } else { &self.refused }.increment(1);
    }
}

pub(crate) struct Waiting<'a>(&'a PoolMeters);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.decrement(1.0);
    }
}

/// A connection is on loan until this is dropped, which must be when the pool has it again.
#[derive(Debug)]
pub(crate) struct Loan {
    meters: Arc<PoolMeters>,
    pool: Pool,
}

impl Loan {
    pub(crate) fn begin(meters: &Arc<PoolMeters>, pool: &Pool) -> Self {
        meters.used.increment(1.0);
        let loan = Self { meters: Arc::clone(meters), pool: pool.clone() };
        loan.look();
        loan
    }

    fn look(&self) {
        let mut told = self.meters.idle_here.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = self.pool.status().available;
        self.meters.idle.increment(idle as f64 - *told as f64);
        *told = idle;
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.meters.used.decrement(1.0);
        self.look();
    }
}

/// Of the statements of one connection.
pub(crate) struct StatementMeters {
    ok: Histogram,
    failed: Histogram,
    lost: Counter,
}

impl StatementMeters {
    pub(crate) fn new() -> Self {
        let statements = |outcome| histogram!("chat_mysql_statement_seconds", "outcome" => outcome);
        Self { ok: statements("ok"), failed: statements("failed"), lost: counter!("chat_mysql_connections_lost_total") }
    }

    pub(crate) fn statement(&self, is_ok: bool, took: Duration) {
        if is_ok { &self.ok } else { &self.failed }.record(took);
    }

    pub(crate) fn lost(&self) {
        self.lost.increment(1);
    }
}
