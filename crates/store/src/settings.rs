//! How to reach MySQL and how long to wait for it. Reads no environment: the services fill this in.

use std::{fmt, time::Duration};

use serde::Deserialize;

use crate::{Error, connect};

/// The section `[mysql]` of a service's configuration.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `mysql://user:password@host:port/database`, with `?require_ssl=true` for TLS. Holds a password: never shown by `Debug`.
    pub url: String,
    /// Connections at most.
    pub pool_size: usize,
    /// How long opening a connection may take, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long to wait for a connection of the pool, in milliseconds.
    pub acquire_timeout_ms: u64,
    /// How long one statement may take, in milliseconds.
    pub statement_timeout_ms: u64,
    /// Whose certificates are trusted, where the URL asks for TLS.
    #[serde(default)]
    pub tls: tls::Trust,
}

impl Settings {
    /// The defaults, with this URL: for tools and tests that have no configuration file.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool_size: 16,
            connect_timeout_ms: 2_000,
            acquire_timeout_ms: 1_000,
            statement_timeout_ms: 1_900,
            tls: tls::Trust::default(),
        }
    }

    /// Refuses what cannot work. Connects to nothing.
    ///
    /// # Errors
    /// [`Error::Settings`] says what is wrong, without the password.
    pub fn check(&self) -> Result<(), Error> {
        if self.pool_size == 0 {
            return Err(Error::Settings("pool_size must be at least 1"));
        }
        if [self.connect_timeout_ms, self.acquire_timeout_ms, self.statement_timeout_ms].contains(&0) {
            return Err(Error::Settings("the timeouts must be at least 1 ms"));
        }
        connect::options(self).map(drop)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }

    pub(crate) fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &redacted(&self.url))
            .field("pool_size", &self.pool_size)
            .field("connect_timeout_ms", &self.connect_timeout_ms)
            .field("acquire_timeout_ms", &self.acquire_timeout_ms)
            .field("statement_timeout_ms", &self.statement_timeout_ms)
            .field("tls", &self.tls)
            .finish()
    }
}

/// Hides user and password. What stands before the last `@` is hidden whole, so that a badly escaped password is not cut in two.
fn redacted(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://***@{place}"),
        (None, Some((_, place))) => format!("***@{place}"),
        (_, None) => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_the_place_and_not_the_password() {
        for url in ["mysql://root:hunter2@db:3306/chat", "mysql://root:hun@ter2@db:3306/chat", "root:hunter2@db:3306/chat"] {
            let shown = format!("{:?}", Settings::new(url));
            assert!(shown.contains("db:3306/chat") && !shown.contains("ter2") && !shown.contains("hun"), "{shown}");
        }
        assert!(format!("{:?}", Settings::new("mysql://db/chat")).contains("mysql://db/chat"));
    }

    #[test]
    fn what_cannot_work_is_refused_before_anything_connects() {
        let settings = || Settings::new("mysql://u:hidden@db/chat");
        settings().check().unwrap();
        for (wrong, said) in [
            (Settings { pool_size: 0, ..settings() }, "pool_size"),
            (Settings { connect_timeout_ms: 0, ..settings() }, "timeouts"),
            (Settings { acquire_timeout_ms: 0, ..settings() }, "timeouts"),
            (Settings { statement_timeout_ms: 0, ..settings() }, "timeouts"),
            (Settings::new("hidden"), "not a mysql:// URL"),
            (Settings::new("mysql://u:hidden@db"), "names no database"),
        ] {
            let refusal = wrong.check().unwrap_err().to_string();
            assert!(refusal.contains(said) && !refusal.contains("hidden"), "{said}: {refusal}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let text = r#"{"url":"mysql://db/chat","pool_size":1,"connect_timeout_ms":1,"acquire_timeout_ms":1,"statement_timeout_ms":1,"x":1}"#;
        assert!(serde_json::from_str::<Settings>(text).unwrap_err().to_string().contains("unknown field `x`"));
    }
}
