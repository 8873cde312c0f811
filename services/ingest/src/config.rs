//! The sections of the configuration that this service uses.

use std::time::Duration;

use serde::Deserialize;

/// The port unless configured otherwise.
pub const DEFAULT_PORT: u16 = 8080;

/// The service's configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// The HTTP server.
    pub http: service::http::Settings,
    /// Where tokens are looked up and counters are seeded from.
    pub mysql: store::Settings,
    /// Where numbers come from.
    pub redis: sequencer::Settings,
    /// Where creates are published.
    pub amqp: broker::Settings,
    /// How often one client may ask.
    pub rate_limit: ratelimit::Settings,
    /// Logs.
    pub log: service::telemetry::Settings,
    /// Traces.
    pub trace: trace::Settings,
    /// The service's own.
    pub ingest: Settings,
}

/// The section `ingest`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How long a create may take in all, in milliseconds.
    pub create_timeout_ms: u64,
}

impl Settings {
    pub(crate) fn create_timeout(&self) -> Duration {
        Duration::from_millis(self.create_timeout_ms)
    }
}
