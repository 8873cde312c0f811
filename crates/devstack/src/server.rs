//! The names of the four servers. No knowledge of how any of them is run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// One of the servers that a stack can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Server {
    /// The relational database: MySQL, or MariaDB in its place ([`Database`]).
    Mysql,
    /// Redis, with its append-only file on.
    Redis,
    /// RabbitMQ with the management and prometheus plugins.
    Rabbitmq,
    /// Elasticsearch, one node, no security.
    Elasticsearch,
}

impl Server {
    /// Every server, in the order in which they are listed everywhere.
    pub const ALL: [Server; 4] = [Server::Mysql, Server::Redis, Server::Rabbitmq, Server::Elasticsearch];

    /// The name on the command line, in file names and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Server::Mysql => "mysql",
            Server::Redis => "redis",
            Server::Rabbitmq => "rabbitmq",
            Server::Elasticsearch => "elasticsearch",
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Server {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Server::ALL.into_iter().find(|server| server.name() == text).ok_or_else(|| {
            let names = Server::ALL.map(Server::name).join(", ");
            Error::Invalid(format!("\"{text}\" is no server; there are {names}"))
        })
    }
}

/// The program that serves [`Server::Mysql`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Database {
    /// MySQL 9, what the system is made for.
    #[default]
    Mysql,
    /// MariaDB 10.11, which must work too.
    Mariadb,
}
