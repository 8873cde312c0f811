//! The sections of the configuration that this service uses.

use std::time::Duration;

use serde::Deserialize;

use crate::Error;

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

impl Config {
    /// Refuses values that cannot work, as the start would. Connects to nothing.
    ///
    /// # Errors
    /// [`Error`] says what is wrong with the first of them.
    pub fn check(&self) -> Result<(), Error> {
        self.log.check()?;
        self.trace.check()?;
        self.mysql.check()?;
        self.redis.check()?;
        self.rate_limit.check()?;
        Ok(())
    }
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
