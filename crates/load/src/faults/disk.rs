//! No room is left for a server's data.
//!
//! Redis goes on by itself when there is room again, and is told to write its append-only file anew, which may be broken. The
//! others may have given up (MySQL aborts when it cannot write its binary log, RabbitMQ's log process dies, Elasticsearch fails
//! the shard): their operator, who has made room, restarts them.

use devstack::{Condition, Server};

use super::{redis, servers};
use crate::fleet::Fleet;

pub(super) async fn inject(fleet: &Fleet, server: Server) -> anyhow::Result<()> {
    fleet.disks()?.fill(server).await
}

pub(super) async fn heal(fleet: &Fleet, server: Server) -> anyhow::Result<()> {
    fleet.disks()?.free(server).await?;
    let stack = fleet.stack();
    match (server, stack.status(server).condition) {
        (Server::Redis, Condition::Running) => redis::rewrite_log(&stack.urls().redis).await,
        (Server::Redis, Condition::Paused) | (_, Condition::Stopped) => Ok(()),
        _ => servers::started(stack, server, stack.restart(server).await).await,
    }
}
