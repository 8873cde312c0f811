//! What the operator sets. What each key means and its default stand in the services' `config/defaults.toml`.

use std::time::Duration;

use serde::Deserialize;

use crate::{Error, Networks, RateLimit};

/// The section `rate_limit`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Requests a minute from one client address; 0 means no limit.
    pub per_minute: u32,
    /// Reads and updates a minute, in place of `per_minute`; 0 means none of their own.
    pub reads_per_minute: u32,
    /// Creates a minute, in place of `per_minute`; 0 means none of their own.
    pub creates_per_minute: u32,
    /// Requests that may come at once; 0 means as many as in a minute.
    pub burst: u32,
    /// The proxies that are believed about whose requests they pass on.
    pub trusted_proxies: Networks,
    /// The header in which those proxies tell it.
    pub proxy_header: ProxyHeader,
    /// What becomes of requests that cannot be counted.
    pub on_outage: OnOutage,
    /// How long Redis may take, in milliseconds.
    pub timeout_ms: u64,
}

impl Settings {
    /// Refuses what cannot work. Connects to nothing.
    ///
    /// # Errors
    /// [`Error::InvalidSettings`] says what is wrong.
    pub fn check(&self) -> Result<(), Error> {
        RateLimit::policies(self).map(drop)
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// No limit at all.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self {
            per_minute: 0,
            reads_per_minute: 0,
            creates_per_minute: 0,
            burst: 0,
            trusted_proxies: Networks::default(),
            proxy_header: ProxyHeader::XForwardedFor,
            on_outage: OnOutage::Open,
            timeout_ms: 2000,
        }
    }
}

/// The header in which proxies tell whose request they pass on. Only one is believed: of the other a proxy knows nothing, and
/// lets through what the client has written into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, as nearly all proxies have it.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// What becomes of requests while Redis cannot count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnOutage {
    /// They pass, unlimited.
    Open,
    /// They are answered 503.
    Closed,
}
