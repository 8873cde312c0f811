//! What an owner asks of a connection before it is lent, and why it may be refused.

use std::{error::Error, future::Future};

use deadpool_redis::redis::{RedisError, aio::MultiplexedConnection};

/// Asked on every new connection, and again every second: while the answer stays the same, the connection is lent.
pub trait Greeting: Send + Sync + 'static {
    /// What was found out of the other end.
    type Peer: PartialEq + Send + Sync + 'static;
    /// Why there is no connection to be lent. Neither its text nor its causes, which are logged, may repeat a URL or a key.
    type Outage: From<Failure> + Clone + Error + Send + Sync + 'static;

    /// Asks the other end, in one round trip. It need not have a deadline: the link gives it one.
    fn greet(&self, connection: MultiplexedConnection) -> impl Future<Output = Result<Self::Peer, Self::Outage>> + Send;
}

/// Why there is no connection, where it was not the greeting that said so.
#[derive(Debug, Clone)]
pub enum Failure {
    /// It could not be made, or no Sentinel says where to.
    Connection(RedisError),
    /// The URL asks for TLS, and there is none, or the server is not who it should be.
    Tls(tls::Error),
    /// The other end did not answer the greeting in time.
    TimedOut,
    /// The Sentinels told of a server that is a replica, or the primary has become one.
    Replica,
}
