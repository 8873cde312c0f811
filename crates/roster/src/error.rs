//! Why something could not be said or seen. It is shown on the console, to whoever may look there: so it shows no key, no URL,
//! and not Redis' own words, which are for the log.

use deadpool_redis::redis::RedisError;
use redislink::Failure;

/// Why a call failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is no connection, it broke, or Redis refused the command.
    #[error("Redis failed")]
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

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use deadpool_redis::redis::ErrorKind;

    use super::*;

    #[test]
    fn redis_own_words_are_a_cause_and_no_text() {
        let error = Error::from(RedisError::from((ErrorKind::Extension, "NOPERM", "User chat has no permissions".to_owned())));
        assert_eq!(error.to_string(), "Redis failed");
        assert!(error.source().unwrap().to_string().contains("User chat"));
    }
}
