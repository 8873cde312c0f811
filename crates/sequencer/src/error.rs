//! Why a call failed, and which of Redis' own errors means what.
//!
//! Nothing here may show a key, a token or the URL.

use deadpool_redis::redis::{ErrorKind, RedisError, ServerErrorKind};
use redislink::{Failure, InvalidSettings};

/// Why a call failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The adopted record or its scripts are no longer there, or the server is no longer a primary. Nothing was touched; adopt
    /// anew.
    #[error("the adopted epoch no longer holds in Redis")]
    Stale,
    /// Redis cannot be used now. A number may have been taken, which then nobody gets.
    #[error("Redis is unavailable: {0}")]
    Unavailable(#[source] Outage),
    /// The server must not be used for numbers, and why. It stays so until an operator changes it.
    #[error("Redis is unfit to give numbers: {0}")]
    Unfit(String),
    /// Redis answered what it should not: something else uses the keys, or a right is missing.
    #[error("unexpected answer from Redis")]
    Protocol(#[source] RedisError),
    /// The settings cannot work, and why.
    #[error("{0}")]
    InvalidSettings(&'static str),
}

/// Why Redis cannot be used now.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Outage {
    /// There is no connection, or it broke.
    #[error("the connection failed")]
    Connection(#[source] RedisError),
    /// The URL asks for TLS, and there is none, or the server is not who it should be.
    #[error("it cannot be reached over TLS: {0}")]
    Tls(tls::Error),
    /// The deadline passed.
    #[error("no answer within the deadline")]
    TimedOut,
    /// The server answers, but cannot serve: it loads its data, is out of memory or cannot write to its disk.
    #[error("the server refuses commands")]
    Refused(#[source] RedisError),
    /// The server is a replica; the primary is elsewhere.
    #[error("the server is a replica")]
    Replica,
    /// Two connections to the one address came to different server processes.
    #[error("the address leads to more than one server")]
    Ambiguous,
}

impl From<Failure> for Outage {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Connection(error) => Self::Connection(error),
            Failure::Tls(error) => Self::Tls(error),
            Failure::TimedOut => Self::TimedOut,
            Failure::Replica => Self::Replica,
        }
    }
}

impl From<InvalidSettings> for Error {
    fn from(InvalidSettings(why): InvalidSettings) -> Self {
        Self::InvalidSettings(why)
    }
}

impl From<Outage> for Error {
    fn from(outage: Outage) -> Self {
        Self::Unavailable(outage)
    }
}

impl From<RedisError> for Error {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            // Another process, or its script cache was emptied: in both cases nothing that was adopted counts any more.
            ErrorKind::Server(ServerErrorKind::NoScript | ServerErrorKind::ReadOnly) => Self::Stale,
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain,
            ) => Outage::Refused(error).into(),
            ErrorKind::Io | ErrorKind::AuthenticationFailed => Outage::Connection(error).into(),
            ErrorKind::Extension => match error.code() {
                Some("STALE") => Self::Stale,
                Some("OOM" | "MISCONF" | "BUSY" | "NOREPLICAS") => Outage::Refused(error).into(),
                _ => Self::Protocol(error),
            },
            _ => Self::Protocol(error),
        }
    }
}
