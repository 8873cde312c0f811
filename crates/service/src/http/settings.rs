//! The section `http`. What each key means and its default stand in `config/defaults.toml`.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Semaphore;

use super::CorsOrigins;
use super::timed::Patience;

/// The section `http`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address to listen on.
    pub address: IpAddr,
    /// The port; 0 lets the operating system choose.
    pub port: u16,
    /// Worker threads; 0 means one for each processor.
    pub workers: usize,
    /// How long requests are still taken on shutdown, in milliseconds, while readiness says that none should be sent.
    pub drain_ms: u64,
    /// How long requests under way may take to finish after that, in milliseconds; whole seconds count, rounded up.
    pub shutdown_ms: u64,
    /// The largest request body, in bytes.
    pub request_bytes: usize,
    /// How many bytes of larger bodies, where a path takes such, may be held at a time in all.
    pub large_bodies_bytes: usize,
    /// How long the head of a connection's first request may take, in milliseconds; that of a later one may take as long as an
    /// idle connection is kept, and some seconds.
    pub client_header_ms: u64,
    /// How long a request's body may take, in milliseconds.
    pub client_body_ms: u64,
    /// How long a client may take nothing of its answer, in milliseconds.
    pub client_read_ms: u64,
    /// How long an idle connection is kept, in milliseconds.
    pub keep_alive_ms: u64,
    /// The web pages that may read the answers: their origins.
    pub cors_origins: CorsOrigins,
}

/// How long an answer may take: what is promised for all of them.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);
/// What lies between all other deadlines of a connection and the one that holds where those do not.
const BEYOND: Duration = Duration::from_secs(2);

impl Settings {
    /// How many worker threads there are.
    pub fn worker_count(&self) -> usize {
        if self.workers > 0 { self.workers } else { available_parallelism().map_or(1, NonZeroUsize::get) }
    }

    pub(super) fn head_within(&self) -> Duration {
        Duration::from_millis(self.client_header_ms)
    }

    pub(super) fn keep_alive(&self) -> Duration {
        Duration::from_millis(self.keep_alive_ms)
    }

    /// How long a client may do nothing. Between two answers it may be idle, then send a head and a body, then wait for the
    /// answer.
    pub(super) fn patience(&self) -> Patience {
        let body = Duration::from_millis(self.client_body_ms);
        Patience {
            unread: Duration::from_millis(self.client_read_ms),
            unanswered: self.keep_alive() + self.head_within() + body + ANSWERED_WITHIN + BEYOND,
        }
    }

    /// The room for large bodies, for all workers.
    pub(super) fn large_bodies(&self) -> LargeBodies {
        LargeBodies(Arc::new(Semaphore::new(self.large_bodies_bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// The limits of a request's body.
    pub(super) fn body_limits(&self) -> BodyLimits {
        BodyLimits { bytes: self.request_bytes, deadline: Duration::from_millis(self.client_body_ms) }
    }
}

/// How large a request's body may be and how long it may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyLimits {
    pub(super) bytes: usize,
    pub(super) deadline: Duration,
}

/// A limit in bytes that a path has for itself, in the place of the general one.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnBodyLimit(pub(super) usize);

/// The bytes that bodies may still take beyond the general limit, all together.
#[derive(Clone)]
pub(super) struct LargeBodies(pub(super) Arc<Semaphore>);
