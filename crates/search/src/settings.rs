//! Where Elasticsearch is and how the index is made. Must never show the URL's password.

use std::fmt;
use std::time::Duration;

use elasticsearch::Elasticsearch;
use elasticsearch::http::Url;
use serde::Deserialize;

use crate::error::Error;
use crate::wire;

/// The section `elasticsearch` of the services' configuration.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `http[s]://[user:password@]host:port`. A secret, because of the password that it may hold.
    pub url: String,
    /// The alias under which the index is written and searched: lowercase letters, digits, `-` and `_`, at most 200 bytes. The
    /// index itself is called `<alias>-v1`.
    pub index: String,
    /// How long one request may take, in milliseconds, from connecting to the answer's last byte.
    pub timeout_ms: u64,
    /// Primary shards. Counts only when the index is made.
    pub shards: u32,
    /// Copies of each shard. Counts only when the index is made.
    pub replicas: u32,
    /// How long a change may take to show in searches, in milliseconds. Counts only when the index is made.
    pub refresh_ms: u64,
    /// Whose certificates are trusted, where the URL is an `https` one.
    #[serde(default)]
    pub tls: tls::Trust,
}

impl Settings {
    /// Refuses what cannot work. Connects to nothing.
    ///
    /// # Errors
    /// [`Error::Settings`] says what is wrong, without the password.
    pub fn check(&self) -> Result<(), Error> {
        self.client().map(drop)
    }

    /// A client for the server, if the index's name can be used there. It connects when the first request is sent.
    pub(crate) fn client(&self) -> Result<Elasticsearch, Error> {
        check_name(&self.index)?;
        wire::client(&self.url, self.timeout(), &self.tls)
    }

    /// How long one request may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &without_credentials(&self.url))
            .field("index", &self.index)
            .field("timeout_ms", &self.timeout_ms)
            .field("shards", &self.shards)
            .field("replicas", &self.replicas)
            .field("refresh_ms", &self.refresh_ms)
            .field("tls", &self.tls)
            .finish()
    }
}

/// The name is part of paths, so it may only hold what cannot change their meaning; stricter than Elasticsearch's own rule.
fn check_name(name: &str) -> Result<(), Error> {
    let plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    if plain && (1..=200).contains(&name.len()) && !name.starts_with(['-', '_']) {
        Ok(())
    } else {
        Err(Error::Settings(
            "the index name must be lowercase letters, digits, - and _, beginning with a letter or digit".to_owned(),
        ))
    }
}

/// The URL's scheme, host and port; of a text that is no URL, nothing.
fn without_credentials(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => url.origin().ascii_serialization(),
        Err(_) => "(not a URL)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_names_the_host_and_hides_user_and_password() {
        let mut settings = Settings {
            url: "https://elastic:hunter2@search.example:9200/path?key=hunter2".to_owned(),
            index: "chat-messages".to_owned(),
            timeout_ms: 2000,
            shards: 1,
            replicas: 0,
            refresh_ms: 500,
            tls: tls::Trust::default(),
        };
        let shown = format!("{settings:?}");
        assert!(shown.contains("https://search.example:9200") && shown.contains("chat-messages"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("elastic:"), "{shown}");

        settings.url = "elastic:hunter2@search.example".to_owned();
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn an_index_name_is_plain() {
        for name in ["chat-messages", "a", "test_1"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "Chat", "a b", "a/b", "a,b", "*", "..", "-a", "_all", "é", &"a".repeat(201)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
