//! Connections over TLS, for the client library to speak on. Its own TLS is not built in: it would ask for certificates of its
//! own.

use std::time::Duration;

use deadpool_redis::redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, aio::MultiplexedConnection,
};
use tls::Trust;
use tokio::time::{Instant, timeout_at};

use crate::Failure;

/// The scheme for TLS, and that under which the library knows the rest of the URL.
const SCHEMES: [&str; 2] = ["rediss://", "redis://"];

/// The URL without TLS, if it is one with TLS. `None` also for one with a fragment, by which other clients switch checks off.
pub(crate) fn beneath(url: &str) -> Option<String> {
    let [secure, plain] = SCHEMES;
    let rest = url.strip_prefix(secure).filter(|rest| !rest.contains('#'))?;
    Some(format!("{plain}{rest}"))
}

/// Connects, shakes hands and logs in, within this time.
pub(crate) async fn connect(
    info: &ConnectionInfo,
    trust: &Trust,
    config: &AsyncConnectionConfig,
    within: Duration,
) -> Result<MultiplexedConnection, Failure> {
    let deadline = Instant::now() + within;
    let ConnectionAddr::Tcp(host, port) = info.addr() else {
        let why = RedisError::from((ErrorKind::InvalidClientConfig, "TLS is spoken over TCP only"));
        return Err(Failure::Connection(why));
    };
    let stream = tls::connect(trust, host, *port, deadline).await.map_err(Failure::Tls)?;
    let opening = MultiplexedConnection::new_with_config(info.redis_settings(), stream, config.clone());
    let (connection, driver) =
        timeout_at(deadline, opening).await.map_err(|_| Failure::TimedOut)?.map_err(Failure::Connection)?;
    // Ends with the last handle to the connection.
    tokio::spawn(driver);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_url_that_asks_for_tls_and_for_nothing_less_is_taken() {
        assert_eq!(beneath("rediss://u:p@redis:6380/2").as_deref(), Some("redis://u:p@redis:6380/2"));
        assert_eq!(beneath("redis://redis"), None);
        assert_eq!(beneath("rediss://redis/#insecure"), None);
    }
}
