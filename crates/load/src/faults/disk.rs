//! No room is left for a server's data.
//!
//! Redis goes on by itself when there is room again. The others may have given up (MySQL aborts when it cannot write its binary
//! log, RabbitMQ's log process dies, Elasticsearch fails the shard): their operator, who has made room, restarts them.

use devstack::{Condition, Server};

use crate::fleet::{Fleet, sentence};

pub(super) async fn inject(fleet: &Fleet, server: Server) -> anyhow::Result<()> {
    fleet.disks()?.fill(server).await
}

pub(super) async fn heal(fleet: &Fleet, server: Server) -> anyhow::Result<()> {
    fleet.disks()?.free(server).await?;
    let stack = fleet.stack();
    match (server, stack.status(server).condition) {
        (Server::Redis, Condition::Running | Condition::Paused) | (_, Condition::Stopped) => Ok(()),
        _ => stack.restart(server).await.map_err(sentence),
    }
}
