//! What the connection is asked before it is lent: whether it leads to a primary. What a replica shows may be old, and it takes
//! no reports.

use std::time::Duration;

use deadpool_redis::redis::{aio::MultiplexedConnection, cmd};
use redislink::{Greeting, is_primary};

use crate::Error;

/// Making a connection, and the question who is there, may take this long each.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

pub(crate) const LINK: redislink::Settings = redislink::Settings {
    purpose: "the roster",
    gauge: "chat_roster_connected",
    connect_timeout: ANSWER_WITHIN,
    greeting_timeout: ANSWER_WITHIN,
};

pub(crate) struct IsPrimary;

impl Greeting for IsPrimary {
    type Peer = ();
    type Outage = Error;

    async fn greet(&self, mut connection: MultiplexedConnection) -> Result<(), Error> {
        let info: String = cmd("INFO").arg("replication").query_async(&mut connection).await?;
        if is_primary(&info) { Ok(()) } else { Err(Error::Replica) }
    }
}
