//! Why something could not be said or seen. Nothing here shows a key or the URL.

use deadpool_redis::redis::RedisError;
use redislink::Failure;

/// Why a call failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is no connection, it broke, or Redis refused the command.
    #[error("Redis failed: {0}")]
    Redis(#[from] RedisError),
    /// The URL asks for TLS, and there is none, or the server is not who it should be.
    #[error("Redis cannot be reached over TLS: {0}")]
    Tls(tls::Error),
    /// The deadline passed.
    #[error("Redis did not answer in time")]
    TimedOut,
    /// The server is a replica; the primary is elsewhere.
    #[error("the server is a replica")]
    Replica,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Connection(error) => Self::Redis(error),
            Failure::Tls(error) => Self::Tls(error),
            Failure::TimedOut => Self::TimedOut,
            Failure::Replica => Self::Replica,
        }
    }
}
