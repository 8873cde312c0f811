//! The section `http`. What each key means and its default stand in `config/defaults.toml`.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;

use super::CorsOrigins;

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
    /// How long the head of a connection's first request may take, in milliseconds.
    pub client_header_ms: u64,
    /// How long a request's body may take, in milliseconds.
    pub client_body_ms: u64,
    /// How long an idle connection is kept, in milliseconds.
    pub keep_alive_ms: u64,
    /// The web pages that may read the answers: their origins.
    pub cors_origins: CorsOrigins,
}

impl Settings {
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
