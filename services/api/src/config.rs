//! The sections of the configuration that this service uses.

use std::time::Duration;

use serde::Deserialize;
use service::AdminToken;

use crate::unbroken::LONGEST_QUEUE;

/// The port unless configured otherwise.
pub const DEFAULT_PORT: u16 = 3000;

/// The service's configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// The HTTP server.
    pub http: service::http::Settings,
    /// Where everything is read from.
    pub mysql: store::Settings,
    /// Where it is asked whether a number was given.
    pub redis: sequencer::Settings,
    /// Where fences are sent.
    pub amqp: broker::Settings,
    /// Where messages are searched.
    pub elasticsearch: search::Settings,
    /// How often one client may ask.
    pub rate_limit: ratelimit::Settings,
    /// Entries that spare MySQL reads.
    pub cache: cache::Settings,
    /// Logs.
    pub log: service::telemetry::Settings,
    /// Traces.
    pub trace: trace::Settings,
    /// The service's own.
    pub api: Settings,
}

/// The section `api`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How long a read waits for a number that was given and is not stored yet, in milliseconds.
    pub read_wait_ms: u64,
    /// How long a page ends before a missing number, in seconds from the creation of the entry above it; 0: it passes over at once.
    pub gap_hold_s: u64,
    /// The largest chat, in messages, that is searched in MySQL while Elasticsearch is down.
    pub scan_limit: u64,
    /// What who lists or creates applications must bear, if anything.
    pub admin_token: Option<AdminToken>,
}

impl Settings {
    /// Never shorter than the time in which a create is published or given up: else a fence could overtake it.
    pub(crate) fn read_wait(&self) -> Duration {
        Duration::from_millis(self.read_wait_ms).max(numbering::SETTLING_TIME)
    }

    /// How long a handler may take for its answer: each call to a server has a deadline of its own, and a request may make several.
    pub(crate) fn answered_within(&self) -> Duration {
        /// With the wait as it is by default 2.9 s: answers come within three.
        const BESIDE_THE_WAIT: Duration = Duration::from_millis(1_700);
        self.read_wait() + BESIDE_THE_WAIT
    }

    /// `None`: not at all. Else never shorter than a create may take until it is published, counted from before its number was
    /// taken: else a proof could overtake it.
    pub(crate) fn gap_hold(&self) -> Option<Duration> {
        const SHORTEST: Duration = Duration::from_secs(3);
        (self.gap_hold_s > 0).then(|| Duration::from_secs(self.gap_hold_s).clamp(SHORTEST, LONGEST_QUEUE))
    }
}
