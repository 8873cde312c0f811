//! Asks Redis Sentinels where the primary is, as their protocol for clients has it: one after the other, each within a short
//! time, and the next time first the one that answered last. <https://redis.io/docs/latest/develop/reference/sentinel-clients/>
//!
//! It must not trust the answer: whoever asks has the server itself say what it is. Nothing here may show the password.

use std::{
    fmt,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo as _, RedisConnectionInfo, RedisError, cmd,
};
use tls::Trust;
use tokio::time::timeout;

use crate::{Failure, InvalidSettings, secure};

/// For so long each one may keep a connection waiting, its own connection included: the others may know.
const ANSWERS_WITHIN: Duration = Duration::from_millis(250);
const DEFAULT_PORT: u16 = 26379;

/// The Sentinels that watch over a primary, and its name with them.
pub struct Sentinels {
    all: Vec<Sentinel>,
    master: String,
    password: Option<String>,
    /// Which one is asked first, counted on over all of them.
    first: AtomicUsize,
    /// Whether it was said that none of them is of use, which is said once an outage.
    reported: AtomicBool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sentinel {
    host: String,
    port: u16,
}

impl Sentinels {
    /// Of what an operator has set: a list such as `one:26379, two, [2001:db8::3]:26379`, the primary's name, and the password of
    /// the Sentinels themselves. `None` if all of that is empty.
    ///
    /// # Errors
    /// [`InvalidSettings`], when one is set and another is missing, or an entry is no address.
    pub fn from_settings(list: &str, master: &str, password: Option<&str>) -> Result<Option<Self>, InvalidSettings> {
        let password = password.filter(|password| !password.is_empty()).map(str::to_owned);
        let entries: Vec<&str> = list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
        match (entries.is_empty(), master.is_empty()) {
            (true, true) if password.is_none() => return Ok(None),
            (true, true) => return Err(InvalidSettings("redis.sentinel_password is set, and redis.sentinels is not")),
            (true, false) => return Err(InvalidSettings("redis.master is set, and redis.sentinels is not")),
            (false, true) => {
                return Err(InvalidSettings("redis.sentinels is set, and redis.master, the primary's name with them, is not"));
            }
            (false, false) => {}
        }
        let all = entries.into_iter().map(Sentinel::parse).collect::<Option<_>>();
        let all = all.ok_or(InvalidSettings("redis.sentinels is not a list of host:port, separated by commas"))?;
        Ok(Some(Self { all, master: master.to_owned(), password, first: AtomicUsize::new(0), reported: AtomicBool::new(false) }))
    }

    /// Where the primary is, as the first one says that knows it. They are asked over TLS if whose certificates are trusted is
    /// told.
    pub(crate) async fn primary(&self, tls: Option<&Trust>) -> Result<ConnectionAddr, RedisError> {
        let first = self.first.load(Ordering::Relaxed);
        let mut reasons = Vec::new();
        for turn in (0..self.all.len()).map(|offset| first.wrapping_add(offset)) {
            let sentinel = &self.all[turn % self.all.len()];
            let why = match timeout(ANSWERS_WITHIN, self.ask(sentinel, tls)).await {
                Ok(Ok(Some((host, port)))) => {
                    self.first.store(turn, Ordering::Relaxed);
                    self.reported.store(false, Ordering::Relaxed);
                    return Ok(ConnectionAddr::Tcp(host, port));
                }
                Ok(Ok(None)) => "knows no primary of this name".to_owned(),
                Ok(Err(Failure::Connection(error))) if error.kind() == ErrorKind::AuthenticationFailed => {
                    "refuses the password".to_owned()
                }
                Ok(Err(Failure::Connection(error))) if error.code() == Some("NOAUTH") => "wants a password".to_owned(),
                Ok(Err(Failure::Tls(error))) => format!("cannot be asked ({error})"),
                Ok(Err(_)) => "cannot be asked".to_owned(),
                Err(_) => "does not answer".to_owned(),
            };
            reasons.push(format!("{sentinel} {why}"));
        }
        let reasons = reasons.join(", ");
        if !self.reported.swap(true, Ordering::Relaxed) {
            tracing::warn!(master = self.master, reasons, "no Sentinel tells where Redis' primary is");
        }
        Err(RedisError::from((ErrorKind::Io, "no Sentinel tells where the primary is", reasons)))
    }

    /// What the last one said was of no use: next time another one is asked first.
    pub(crate) fn doubt(&self) {
        self.first.fetch_add(1, Ordering::Relaxed);
    }

    async fn ask(&self, sentinel: &Sentinel, tls: Option<&Trust>) -> Result<Option<(String, u16)>, Failure> {
        let mut settings = RedisConnectionInfo::default();
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        let info = (sentinel.host.as_str(), sentinel.port).into_connection_info().map_err(Failure::Connection)?;
        let info = info.set_redis_settings(settings);
        // Whoever asks has set the deadline.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let mut connection = match tls {
            Some(trust) => secure::connect(&info, trust, &config, ANSWERS_WITHIN).await?,
            None => {
                let client = Client::open(info).map_err(Failure::Connection)?;
                client.get_multiplexed_async_connection_with_config(&config).await.map_err(Failure::Connection)?
            }
        };
        let mut ask = cmd("SENTINEL");
        ask.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        ask.query_async(&mut connection).await.map_err(Failure::Connection)
    }
}

impl fmt::Debug for Sentinels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentinels").field("all", &self.all).field("master", &self.master).finish_non_exhaustive()
    }
}

impl Sentinel {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match port {
            "" => DEFAULT_PORT,
            port => port.strip_prefix(':')?.parse().ok().filter(|port| *port > 0)?,
        };
        let named = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/@[]".contains(c));
        named.then(|| Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Sentinel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_is_written_elsewhere() {
        let sentinels = Sentinels::from_settings(" one:1, two ,[2001:db8::3]:4,[::1],", "chat", None).unwrap().unwrap();
        let read: Vec<_> = sentinels.all.iter().map(|sentinel| (sentinel.host.as_str(), sentinel.port)).collect();
        assert_eq!(read, [("one", 1), ("two", 26379), ("2001:db8::3", 4), ("::1", 26379)]);
        for wrong in ["one:", "one:0", "one:70000", ":1", "redis://one:1", "user@one:1", "2001:db8::3", "[::1", "one two"] {
            assert!(Sentinels::from_settings(wrong, "chat", None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn half_of_the_settings_is_refused_with_the_name_of_what_is_missing() {
        assert!(Sentinels::from_settings("", "", None).unwrap().is_none());
        assert!(Sentinels::from_settings("", "", Some("")).unwrap().is_none());
        for (list, master, password, missing) in [
            ("one", "", None, "redis.master"),
            ("", "chat", None, "redis.sentinels is not"),
            ("", "", Some("secret"), "redis.sentinels is not"),
        ] {
            let error = Sentinels::from_settings(list, master, password).unwrap_err().to_string();
            assert!(error.contains(missing) && !error.contains("secret"), "{error}");
        }
        let shown = format!("{:?}", Sentinels::from_settings("one", "chat", Some("secret")).unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }
}
