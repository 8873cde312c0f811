//! What can be configured. The URL is parsed here, once; its password never reaches a log or an error.

use std::{
    fmt,
    num::{NonZeroU16, NonZeroUsize},
    str::FromStr,
    time::Duration,
};

use events::{PartitionCount, Topology};
use lapin::uri::{AMQPScheme, AMQPUri};
use serde::Deserialize;

/// Seconds between heartbeats, unless the URL says otherwise (`?heartbeat=`). A peer that vanished without a word is noticed
/// after twice this time; RabbitMQ's own default of 60 is too long for a request that waits.
const HEARTBEAT_S: u16 = 10;

/// The section `[amqp]`. None of the counts may be zero.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the broker is.
    pub url: AmqpUrl,
    /// Put before every name in the broker, so that several systems can share one.
    pub prefix: String,
    /// How many queues there are. Once they are made only `Repartition` changes their number.
    pub partitions: PartitionCount,
    /// Milliseconds for a connection to be made, and again for the topology to be declared on it.
    pub connect_timeout_ms: u64,
    /// Milliseconds that a confirm, or any other answer of the broker, is waited for.
    pub confirm_timeout_ms: u64,
    /// Items that may wait to be sent; more are refused at once.
    pub queue_capacity: NonZeroUsize,
    /// Items in one AMQP message at most.
    pub group_items: NonZeroUsize,
    /// AMQP messages that may await their confirm; what arrives meanwhile gathers into larger groups.
    pub in_flight: NonZeroUsize,
    /// AMQP messages that a consumer holds unacknowledged, for each partition. Each has up to some 2 MiB.
    pub prefetch: NonZeroU16,
    /// Milliseconds that queues rest after they were made, before anything is published to them: so long RabbitMQ may take to
    /// note their names on disk, and a queue whose name it does not find there after a crash it starts empty. Zero only where
    /// the broker is never killed.
    pub settle_ms: u64,
    /// Whose certificates are trusted, where the URL asks for TLS.
    #[serde(default)]
    pub tls: tls::Trust,
}

impl Settings {
    /// The names that go with these settings.
    pub fn topology(&self) -> Topology {
        Topology::new(self.prefix.as_str(), self.partitions)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(crate) fn settling_time(&self) -> Duration {
        Duration::from_millis(self.settle_ms)
    }

    pub(crate) fn confirm_timeout(&self) -> Duration {
        Duration::from_millis(self.confirm_timeout_ms)
    }
}

/// `amqp://user:password@host:port/vhost`, the vhost percent-encoded (`%2f` is the default one); `amqps://` for TLS, whose port
/// is 5671 if there is none.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct AmqpUrl(AMQPUri);

impl AmqpUrl {
    pub(crate) fn uri(&self) -> AMQPUri {
        self.0.clone()
    }

    /// Whether it asks for TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.0.scheme == AMQPScheme::AMQPS
    }
}

impl FromStr for AmqpUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        // The parser's own error quotes the URL, password included.
        let mut uri: AMQPUri = text.parse().map_err(|_: String| InvalidUrl)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        Ok(Self(uri))
    }
}

impl TryFrom<String> for AmqpUrl {
    type Error = InvalidUrl;

    fn try_from(text: String) -> Result<Self, InvalidUrl> {
        text.parse()
    }
}

impl fmt::Debug for AmqpUrl {
    /// Tells where the broker is, not who may use it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.0.authority.host, self.0.authority.port, self.0.vhost)
    }
}

/// A text that is not taken as the broker's URL: it is not of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an AMQP URL like amqp://user:password@host:5672/%2f, or amqps:// and the same for TLS")]
pub struct InvalidUrl;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_nowhere() {
        let url: AmqpUrl = "amqp://user:hidden@example.org:5673/%2f".parse().unwrap();
        assert_eq!(format!("{url:?}"), "example.org:5673//");
        for wrong in ["http://user:hidden@example.org/", "hidden", "", "amqp://user:hidden@example.org:99999/"] {
            let error = wrong.parse::<AmqpUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hidden"), "{error}");
        }
    }

    #[test]
    fn the_heartbeat_is_short_unless_the_url_sets_it() {
        let heartbeat = |text: &str| text.parse::<AmqpUrl>().unwrap().uri().query.heartbeat;
        assert_eq!(heartbeat("amqp://localhost"), Some(HEARTBEAT_S));
        assert_eq!(heartbeat("amqp://localhost?heartbeat=30"), Some(30));
    }

    #[test]
    fn tls_is_asked_for_by_the_scheme() {
        for (text, secure, port) in [("amqp://localhost", false, 5672), ("amqps://localhost", true, 5671)] {
            let url: AmqpUrl = text.parse().unwrap();
            assert_eq!((url.is_secure(), url.uri().authority.port), (secure, port), "{text}");
        }
    }
}
