//! The sections of the configuration that this service uses.

use std::time::Duration;

use serde::Deserialize;
use service::AdminToken;

use crate::{Error, unbroken::LONGEST_QUEUE};

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
        self.elasticsearch.check()?;
        if self.cache.enabled {
            self.cache.check()?;
        }
        Ok(())
    }
}

/// The section `api`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How long a read waits for a number that was given and is not stored yet, in milliseconds.
    pub read_wait_ms: u64,
    /// How long a page ends before a missing number, in seconds from the creation of the entry above it; 0: it passes over at
    /// once.
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

    /// How long a handler may take for its answer: each call to a server has a deadline of its own, and a request may make
    /// several.
    pub(crate) fn answered_within(&self) -> Duration {
        /// With the wait as it is by default 2.9 s: answers come within three.
        const BESIDE_THE_WAIT: Duration = Duration::from_millis(1_700);
        self.read_wait() + BESIDE_THE_WAIT
    }

    /// `None`: not at all. Else never shorter than it may take, from the moment that the entry above a gap bears, until all that
    /// has a lower number is published: else a proof could overtake it. That moment is noted before the entry's number is asked
    /// for, which is taken within the time of its create (`ingest.create_timeout_ms`, 2.8 s); a lower one was taken before, and
    /// is published a second later at most ([`numbering::SETTLING_TIME`]).
    pub(crate) fn gap_hold(&self) -> Option<Duration> {
        const SHORTEST: Duration = Duration::from_secs(4);
        (self.gap_hold_s > 0).then(|| Duration::from_secs(self.gap_hold_s).clamp(SHORTEST, LONGEST_QUEUE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As long as ingest's default lets a create take.
    const CREATE_TIMEOUT: Duration = Duration::from_millis(2_800);

    fn hold(gap_hold_s: u64) -> Option<Duration> {
        Settings { read_wait_ms: 1, gap_hold_s, scan_limit: 1, admin_token: None }.gap_hold()
    }

    #[test]
    fn a_gap_is_held_for_longer_than_its_creates_may_take_or_not_at_all() {
        assert_eq!(hold(0), None);
        for seconds in [1, 3, 4] {
            assert!(hold(seconds).unwrap() > CREATE_TIMEOUT + numbering::SETTLING_TIME, "{seconds}");
        }
        assert_eq!((hold(5), hold(u64::MAX)), (Some(Duration::from_secs(5)), Some(LONGEST_QUEUE)));
    }
}
