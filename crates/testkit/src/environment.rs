//! The environment that a system's services are given. They read it by the code that reads a process' own, so that each test
//! goes through it too.

use std::collections::BTreeMap;

use devstack::Server;
use serde::de::DeserializeOwned;
use url::Url;

use crate::servers::{Servers, variable};

/// Names of variables and their values.
#[derive(Clone)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// A database, prefixes and an index that no other system has, on these servers.
    pub(crate) fn new(servers: &Servers) -> Self {
        let id = uuid::Uuid::new_v4().simple();
        let mut environment = Self(BTreeMap::new());
        for server in Server::ALL {
            environment.set(variable(server), &servers.url(server));
        }
        let mut database = Url::parse(&servers.url(Server::Mysql)).expect("DATABASE_URL is a URL");
        database.set_path(&format!("test_{id}"));
        // What the log says while tests run is for whoever asks for it.
        let log = std::env::var("RUST_LOG").unwrap_or_else(|_| "off".to_owned());
        for (name, value) in [
            (variable(Server::Mysql), database.as_str()),
            ("CHAT__REDIS__KEY_PREFIX", &format!("test-{id}:")),
            ("CHAT__AMQP__PREFIX", &format!("test-{id}-")),
            ("CHAT__AMQP__PARTITIONS", "2"),
            ("CHAT__ELASTICSEARCH__INDEX", &format!("test-{id}")),
            ("CHAT__HTTP__ADDRESS", "127.0.0.1"),
            ("CHAT__HTTP__PORT", "0"),
            ("CHAT__HTTP__WORKERS", "1"),
            // A test's clients are told which replica stops; one that is about finding it out sets it.
            ("CHAT__HTTP__DRAIN_MS", "0"),
            ("CHAT__LOG__FILTER", &log),
            // Within hours, not in the middle of a test that compares answers; a test of the counts sets a shorter interval.
            ("CHAT__CONSUMER__COUNT_INTERVAL_MS", "86400000"),
            ("CHAT__CONSUMER__COUNT_FIRST_MS", "86400000"),
        ] {
            environment.set(name, value);
        }
        if let Some(authority) = servers.authority() {
            environment.set("CHAT__TLS__CA_FILE", &authority.to_string_lossy());
        }
        if !servers.is_own(Server::Rabbitmq) {
            // The shared broker is never killed, so its queues need not rest.
            environment.set("CHAT__AMQP__SETTLE_MS", "0");
        }
        environment
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn with(&self, changes: &[(&str, &str)]) -> Self {
        let mut changed = self.clone();
        for (name, value) in changes {
            changed.set(name, value);
        }
        changed
    }

    /// All of it.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The configuration that this environment makes.
    pub(crate) fn config<T: DeserializeOwned>(&self) -> Result<T, service::Error> {
        service::config::load_from(self.0.clone(), None)
    }
}
