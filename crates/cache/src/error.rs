//! Why an update could not be made safe for readers. Reads have no errors: the source answers them.
//!
//! Nothing here may show a key or the URL.

use deadpool_redis::redis::RedisError;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The entries may not be blocked: the update must not be made. (If they are after all, the block expires.)
    #[error("the cached entries cannot be blocked")]
    NotBlocked(#[source] Outage),
    /// The block may not be lifted: the update was made, and may be hidden from readers for a while. It must not be answered as
    /// done.
    #[error("the block of cached entries cannot be lifted")]
    NotUnblocked(#[source] Outage),
    /// The settings cannot work, and why.
    #[error("{0}")]
    InvalidSettings(&'static str),
}

/// Why Redis cannot be used now.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Outage {
    /// There is no connection, it broke, or Redis refused the command.
    #[error("Redis failed")]
    Redis(#[from] RedisError),
    /// The URL asks for TLS, and there is none, or the server is not who it should be.
    #[error("it cannot be reached over TLS: {0}")]
    Tls(tls::Error),
    /// The deadline passed.
    #[error("no answer within the deadline")]
    TimedOut,
    /// The server is a replica; the primary is elsewhere.
    #[error("the server is a replica")]
    Replica,
    /// The server does not tell who it is.
    #[error("the server does not tell its run id")]
    Nameless,
}
