//! Why a number was not given, or nothing can be said of one.

use gcra::Verdict;

/// A server, or a part of this system, that others wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dependency {
    /// The counters.
    Redis,
    /// The queues.
    Rabbitmq,
    /// The tables.
    Mysql,
    /// The service that stores what the queues hold.
    Consumer,
}

impl Dependency {
    /// Its name in metrics, logs and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Dependency::Redis => "redis",
            Dependency::Rabbitmq => "rabbitmq",
            Dependency::Mysql => "mysql",
            Dependency::Consumer => "consumer",
        }
    }
}

impl std::fmt::Display for Dependency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No application has this token.
    #[error("no such application")]
    UnknownApplication,
    /// The application has no chat with this number.
    #[error("no such chat")]
    UnknownChat,
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The create is beyond its client's limit. Nothing was done.
    #[error("the client's limit is reached")]
    Limited(Verdict),
    /// As many creates wait as may wait. Nothing was accepted.
    #[error("too many creates wait")]
    Overloaded,
    /// A dependency is down or does not answer. Nothing was accepted.
    #[error("{0} is unavailable")]
    Unavailable(Dependency),
    /// The create was sent, and whether it was accepted is not known: it may yet appear.
    #[error("the broker did not confirm in time")]
    Unconfirmed,
    /// The deadline passed. Whether the create was accepted is not known.
    #[error("the deadline passed")]
    TimedOut,
}
