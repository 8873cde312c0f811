//! What the operator sets of the connection to Redis. The URL may hold a password: it must never be shown.

use std::{fmt, time::Duration};

use redislink::{Primary, Sentinels};
use serde::Deserialize;

use crate::Error;

/// The section `[redis]` of a service's configuration.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where Redis is: `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS.
    pub url: String,
    /// The Sentinels that say where the primary is, `host:port` separated by commas; the URL's host and port do not count then.
    /// Empty: Redis is where the URL says.
    pub sentinels: String,
    /// The primary's name with the Sentinels. Empty without them.
    pub master: String,
    /// The Sentinels' own password, if they have one. (Redis' is the URL's.)
    #[serde(default)]
    pub sentinel_password: Option<String>,
    /// What every key begins with: systems with different prefixes can share a server. No braces.
    pub key_prefix: String,
    /// Milliseconds that making a connection may take.
    pub connect_timeout_ms: u64,
    /// Milliseconds that a call may take, the wait for a connection included. An answer that comes later is lost: a number that
    /// it brings is never given to anyone.
    pub response_timeout_ms: u64,
    /// Seconds for which the record of an idempotency key is kept, from the request that took its number.
    pub idempotency_ttl_s: u64,
    /// Whose certificates are trusted, where the URL asks for TLS.
    #[serde(default)]
    pub tls: tls::Trust,
}

/// The longest time that a record is kept: 31 days. Records are memory.
const MAX_IDEMPOTENCY_TTL_S: u64 = 31 * 24 * 3600;

impl Settings {
    /// Where Redis is.
    pub(crate) fn primary(&self) -> Result<Primary, Error> {
        let primary = Primary::at(&self.url)?.trusting(&self.tls);
        let sentinels = Sentinels::from_settings(&self.sentinels, &self.master, self.sentinel_password.as_deref())?;
        Ok(match sentinels {
            Some(sentinels) => primary.told_by(sentinels),
            None => primary,
        })
    }

    /// Refuses what cannot work. Connects to nothing.
    ///
    /// # Errors
    /// [`Error::InvalidSettings`] says what is wrong, without a password.
    pub fn check(&self) -> Result<(), Error> {
        if self.key_prefix.contains(['{', '}']) {
            return Err(Error::InvalidSettings(
                "the key prefix must not contain braces: they mark what keys of one application share",
            ));
        }
        if self.connect_timeout_ms == 0 || self.response_timeout_ms == 0 {
            return Err(Error::InvalidSettings("the timeouts must be at least 1 ms"));
        }
        if !(1..=MAX_IDEMPOTENCY_TTL_S).contains(&self.idempotency_ttl_s) {
            return Err(Error::InvalidSettings("idempotency_ttl_s must be from 1 to 2678400, which is 31 days"));
        }
        self.primary().map(drop)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(crate) fn response_timeout(&self) -> Duration {
        Duration::from_millis(self.response_timeout_ms)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &"…")
            .field("sentinels", &self.sentinels)
            .field("master", &self.master)
            .field("sentinel_password", &self.sentinel_password.as_ref().map(|_| "…"))
            .field("key_prefix", &self.key_prefix)
            .field("connect_timeout_ms", &self.connect_timeout_ms)
            .field("response_timeout_ms", &self.response_timeout_ms)
            .field("idempotency_ttl_s", &self.idempotency_ttl_s)
            .field("tls", &self.tls)
            .finish()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// That connect to this URL, with the shortest times.
    pub(crate) fn settings(url: &str, key_prefix: &str) -> Settings {
        Settings {
            url: url.into(),
            sentinels: String::new(),
            master: String::new(),
            sentinel_password: None,
            key_prefix: key_prefix.into(),
            connect_timeout_ms: 1,
            response_timeout_ms: 1,
            idempotency_ttl_s: 1,
            tls: tls::Trust::default(),
        }
    }

    #[test]
    fn a_password_is_not_shown_by_the_settings_nor_by_what_is_wrong_with_them() {
        let shown = format!("{:?}", settings("redis://:secret@localhost", "chat:"));
        assert!(!shown.contains("secret"), "{shown}");
        let sentinels = Settings { sentinel_password: Some("secret".into()), ..settings("redis://localhost", "chat:") };
        assert!(!format!("{sentinels:?}").contains("secret"), "{sentinels:?}");
        for error in [settings("nonsense://:secret@localhost", "chat:").primary().unwrap_err(), sentinels.primary().unwrap_err()]
        {
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused_before_anything_connects() {
        assert!(settings("redis://localhost", "chat:").check().is_ok());
        assert!(settings("redis://localhost", "{chat}:").check().is_err());
        assert!(settings("localhost", "chat:").check().is_err());
        assert!(Settings { response_timeout_ms: 0, ..settings("redis://localhost", "chat:") }.check().is_err());
        for idempotency_ttl_s in [0, MAX_IDEMPOTENCY_TTL_S + 1, u64::MAX] {
            assert!(Settings { idempotency_ttl_s, ..settings("redis://localhost", "chat:") }.check().is_err());
        }
    }
}
