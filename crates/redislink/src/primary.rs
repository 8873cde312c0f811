//! Where the Redis is to which a connection leads: at an address, or where Sentinels say that the primary is.
//!
//! Of one that Sentinels tell of nothing is used, not even a question of its owner's, before it has said itself that it is a
//! primary: Sentinels may be late, or speak for a minority. Nothing here may show the URL or a password.

use std::{fmt, sync::Arc, time::Duration};

use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, Value, aio::MultiplexedConnection,
    cmd,
};
use tls::Trust;
use tokio::time::timeout;

use crate::{Failure, InvalidSettings, Sentinels, secure};

/// See the module. Clones share what they have learnt of the Sentinels.
#[derive(Clone)]
pub struct Primary {
    info: ConnectionInfo,
    /// With TLS: whose certificates are trusted.
    tls: Option<Trust>,
    sentinels: Option<Arc<Sentinels>>,
}

impl Primary {
    /// The Redis of this URL, `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS.
    ///
    /// # Errors
    /// [`InvalidSettings`].
    pub fn at(url: &str) -> Result<Self, InvalidSettings> {
        let beneath = secure::beneath(url);
        // The parser's own words could repeat the URL.
        let info = beneath.as_deref().unwrap_or(url).into_connection_info().ok().filter(|info| info.addr().is_supported());
        let wrong = InvalidSettings(
            "redis.url is not of the form redis://[user:password@]host[:port][/database], or rediss:// and the same for TLS",
        );
        Ok(Self { info: info.ok_or(wrong)?, tls: beneath.map(|_| Trust::default()), sentinels: None })
    }

    /// Trusts these certificates, where the URL asks for TLS.
    #[must_use]
    pub fn trusting(self, trust: &Trust) -> Self {
        Self { tls: self.tls.map(|_| trust.clone()), ..self }
    }

    /// The same user, password and database on the primary that these Sentinels tell of. The URL's host and port no longer count;
    /// its scheme does, and holds for the Sentinels as well.
    #[must_use]
    pub fn told_by(self, sentinels: Sentinels) -> Self {
        Self { sentinels: Some(Arc::new(sentinels)), ..self }
    }

    /// Makes a connection, which never leads elsewhere later. Bounded by the time that the Sentinels have to answer, `within` and
    /// `role_within`.
    ///
    /// # Errors
    /// [`Failure`]; the next attempt begins with another Sentinel.
    pub async fn connect(
        &self,
        config: &AsyncConnectionConfig,
        within: Duration,
        role_within: Duration,
    ) -> Result<MultiplexedConnection, Failure> {
        let info = match &self.sentinels {
            Some(sentinels) => {
                let primary = sentinels.primary(self.tls.as_ref()).await;
                self.info.clone().set_addr(primary.map_err(Failure::Connection)?)
            }
            None => self.info.clone(),
        };
        let connected = self.connect_to(info, config, within, role_within).await;
        if let (Some(sentinels), Err(_)) = (&self.sentinels, &connected) {
            sentinels.doubt();
        }
        connected
    }

    async fn connect_to(
        &self,
        info: ConnectionInfo,
        config: &AsyncConnectionConfig,
        within: Duration,
        role_within: Duration,
    ) -> Result<MultiplexedConnection, Failure> {
        let mut connection = match &self.tls {
            Some(trust) => secure::connect(&info, trust, config, within).await?,
            None => {
                let config = config.clone().set_connection_timeout(Some(within));
                let client = Client::open(info).map_err(Failure::Connection)?;
                client.get_multiplexed_async_connection_with_config(&config).await.map_err(Failure::Connection)?
            }
        };
        timeout(role_within, self.check(&mut connection)).await.unwrap_or(Err(Failure::TimedOut))?;
        Ok(connection)
    }

    /// Whether the other end of a connection is a primary still, where Sentinels may have made it a replica. It has no deadline.
    pub(crate) async fn check(&self, connection: &mut MultiplexedConnection) -> Result<(), Failure> {
        if self.sentinels.is_none() {
            return Ok(());
        }
        // The first of what it answers is its role; what follows is another thing for each.
        let role: Vec<Value> = cmd("ROLE").query_async(connection).await.map_err(Failure::Connection)?;
        match role.first() {
            Some(Value::BulkString(role)) if role == b"master" => Ok(()),
            _ => Err(Failure::Replica),
        }
    }

    /// With RESP3 the client library reports the end of a connection when it happens, not when the next command fails.
    pub(crate) fn speaking_resp3(self) -> Self {
        let redis = self.info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Self { info: self.info.set_redis_settings(redis), ..self }
    }
}

impl fmt::Debug for Primary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Primary").field("sentinels", &self.sentinels).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_leads_nowhere_is_refused_without_repeating_it() {
        for url in [
            "",
            "redis://",
            "rediss://",
            "http://localhost",
            "nonsense://:secret@localhost",
            "rediss://:secret@localhost/#insecure",
        ] {
            let error = Primary::at(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
        assert!(!format!("{:?}", Primary::at("redis://:secret@localhost/3").unwrap()).contains("secret"));
    }
}
