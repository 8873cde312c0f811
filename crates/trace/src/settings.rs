//! The section `trace`.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

/// The section `trace`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where a collector listens for OTLP over HTTP, such as `http://localhost:4318`; empty: no traces.
    pub endpoint: String,
    /// Of the requests whose caller has not decided, one in so many is traced; 0: none.
    pub one_in: u32,
    /// Of the requests whose caller has decided to trace them, so many are traced in a second, of each replica; the others count
    /// as if their callers had not decided.
    pub callers_per_s: u32,
    /// Spans that may wait to be sent; more are dropped.
    pub queue_spans: usize,
    /// How long the collector may take for what is sent at once, in milliseconds.
    pub timeout_ms: u64,
    /// Whose certificates are trusted, where the endpoint is an `https` one.
    #[serde(default)]
    pub tls: tls::Trust,
}

/// A setting that cannot work, and what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSettings(pub(crate) &'static str);

impl Settings {
    /// Refuses what cannot work. Connects to nothing.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the first setting that cannot work.
    pub fn check(&self) -> Result<(), InvalidSettings> {
        self.target().map(drop)
    }

    /// Where spans are posted to; `None` when there are to be no traces.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the first setting that cannot work.
    pub(crate) fn target(&self) -> Result<Option<Url>, InvalidSettings> {
        if !(1..=1_000_000).contains(&self.queue_spans) {
            return Err(InvalidSettings("trace.queue_spans must be 1 to 1000000"));
        }
        if !(1..=60_000).contains(&self.timeout_ms) {
            return Err(InvalidSettings("trace.timeout_ms must be 1 to 60000"));
        }
        if self.endpoint.is_empty() {
            return Ok(None);
        }
        let invalid = InvalidSettings("trace.endpoint must be an http:// or https:// URL, such as http://localhost:4318");
        let mut target = Url::parse(&self.endpoint).map_err(|_| invalid)?;
        if !target.username().is_empty() || target.password().is_some() {
            return Err(InvalidSettings("trace.endpoint must have no user and no password"));
        }
        if target.query().is_some() || target.fragment().is_some() {
            return Err(InvalidSettings("trace.endpoint must have no query and no fragment"));
        }
        if !matches!(target.scheme(), "http" | "https") || !target.has_host() {
            return Err(invalid);
        }
        // The standard adds this path to the endpoint that all signals share (OTLP 1.0, "OTLP/HTTP Request").
        target.path_segments_mut().map_err(|()| invalid)?.pop_if_empty().extend(["v1", "traces"]);
        Ok(Some(target))
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(endpoint: &str) -> Result<Option<String>, InvalidSettings> {
        let settings = Settings {
            endpoint: endpoint.to_owned(),
            one_in: 1,
            callers_per_s: 1,
            queue_spans: 1,
            timeout_ms: 1,
            tls: tls::Trust::default(),
        };
        settings.target().map(|target| target.map(|url| url.to_string()))
    }

    #[test]
    fn the_endpoint_is_a_url_or_nothing() {
        assert_eq!(target(""), Ok(None));
        assert_eq!(target("http://localhost:4318").unwrap().unwrap(), "http://localhost:4318/v1/traces");
        assert_eq!(target("https://collector.example/otlp/").unwrap().unwrap(), "https://collector.example/otlp/v1/traces");
        for endpoint in [
            "localhost:4318",
            "grpc://localhost:4317",
            "http://",
            "yes",
            "http://user:password@collector:4318",
            "http://key@c",
            "http://c?key=secret",
            "http://c/#otlp",
        ] {
            let refusal = target(endpoint).unwrap_err().to_string();
            assert!(!refusal.contains("secret"), "{endpoint}");
        }
    }
}
