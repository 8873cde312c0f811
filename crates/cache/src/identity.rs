//! Which server process is at the other end of the connection: each has entries of its own. A replica must not be used: what it
//! holds may be old.

use std::time::Duration;

use deadpool_redis::redis::{aio::MultiplexedConnection, cmd};
use redislink::{Failure, Greeting};

use crate::Outage;

/// Making a connection, and the question who is there, may take this long each. Short: meanwhile reads go to the source, and a
/// longer wait would not serve the updates, whose own deadline ends first.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// Of the run id's 40 digits; these 64 bits tell processes apart.
const RUN_ID_DIGITS: usize = 16;

pub(crate) const LINK: redislink::Settings = redislink::Settings {
    purpose: "the cache",
    gauge: "chat_cache_connected",
    connect_timeout: ANSWER_WITHIN,
    greeting_timeout: ANSWER_WITHIN,
};

/// The way to Redis, which knows the process at its other end.
pub(crate) type Link = redislink::Link<Identity>;
/// A connection, and the beginning of the run id of the process at its other end.
pub(crate) type Peer = redislink::Lent<String>;

pub(crate) struct Identity;

impl Greeting for Identity {
    type Peer = String;
    type Outage = Outage;

    async fn greet(&self, mut connection: MultiplexedConnection) -> Result<String, Outage> {
        let mut info = cmd("INFO");
        info.arg("server").arg("replication");
        run_id(&info.query_async::<String>(&mut connection).await?)
    }
}

impl From<Failure> for Outage {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Connection(error) => Self::Redis(error),
            Failure::Tls(error) => Self::Tls(error),
            Failure::TimedOut => Self::TimedOut,
            Failure::Replica => Self::Replica,
        }
    }
}

/// The beginning of a primary's run id.
///
/// Not its replication id: that changes when a replica comes, and while some replicas of the service had noticed and others not,
/// they would use different names.
fn run_id(info: &str) -> Result<String, Outage> {
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim_end);
    if field("role") != Some("master") {
        return Err(Outage::Replica);
    }
    let id =
        field("run_id").and_then(|id| id.get(..RUN_ID_DIGITS)).filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    id.map(str::to_owned).ok_or(Outage::Nameless)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_is_known_by_its_process_and_a_replica_is_not_used() {
        let told = |role: &str, id: &str| run_id(&format!("# Server\r\nrun_id:{id}\r\n# Replication\r\nrole:{role}\r\n"));
        assert_eq!(told("master", &"0a1b".repeat(10)).unwrap(), "0a1b0a1b0a1b0a1b");
        assert!(matches!(told("slave", &"0a1b".repeat(10)), Err(Outage::Replica)));
        assert!(matches!(told("master", "0a1b"), Err(Outage::Nameless)));
        assert!(matches!(told("master", &"{}".repeat(20)), Err(Outage::Nameless)));
    }
}
