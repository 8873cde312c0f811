//! The script that takes a request out of a bucket: loaded on each connection before it is lent, so that no request waits for
//! that. A replica, which takes the script and no request, is not lent.

use std::time::Duration;

use deadpool_redis::redis::{aio::MultiplexedConnection, pipe};
use redislink::{Failure, Greeting, Place, is_primary};

/// The way to Redis.
pub(crate) type Link = redislink::Link<Script>;

/// What is asked of each connection: to load the script, and whether it leads to a primary. Its answer is the script's name.
pub(crate) struct Script(String);

/// Redis cannot count now.
#[derive(Debug, Clone, thiserror::Error)]
#[error("requests cannot be counted")]
pub(crate) struct Unavailable;

/// Begins to connect, on the current tokio runtime, and waits until the first attempt has ended, well or badly.
pub(crate) async fn connect(place: Place<'_>) -> Link {
    // KEYS: the bucket. ARGV: its interval and its burst.
    let script = Script(format!("#!lua\n{}return {{take(KEYS[1], ARGV[1], ARGV[2])}}\n", gcra::TAKE));
    let link = Link::start(place.primary, script, settings(place.connect_timeout));
    let _ = link.lent().await;
    link
}

fn settings(timeout: Duration) -> redislink::Settings {
    redislink::Settings {
        purpose: "rate limits",
        gauge: "chat_rate_limit_connected",
        connect_timeout: timeout,
        greeting_timeout: timeout,
    }
}

impl Greeting for Script {
    type Peer = String;
    type Outage = Unavailable;

    async fn greet(&self, mut connection: MultiplexedConnection) -> Result<String, Unavailable> {
        let mut questions = pipe();
        questions.cmd("SCRIPT").arg("LOAD").arg(&self.0).cmd("INFO").arg("replication");
        let (script, info): (String, String) = questions.query_async(&mut connection).await.map_err(|_| Unavailable)?;
        if is_primary(&info) { Ok(script) } else { Err(Unavailable) }
    }
}

impl From<Failure> for Unavailable {
    fn from(_: Failure) -> Self {
        Self
    }
}
