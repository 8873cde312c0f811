//! The two Redis, of which one is the primary and the other follows it, and which is which changes.
//!
//! Those who follow and those who watch have users of their own at both, so that either can be kept from one without any client
//! noticing.

use std::time::Duration;

use anyhow::{Context, bail};
use devstack::Stack;

use crate::{
    redis::{ask, tell},
    wait::within,
};

/// How long one of them may take to be told a few things. It answers, or nobody would tell it anything.
const TOLD_WITHIN: Duration = Duration::from_secs(20);
/// What both users log in with. Nobody else reaches the servers.
pub(super) const SECRET: &str = "unimportant";
pub(super) const SENTINEL: &str = "sentinel";
const REPLICA: &str = "replica";

/// Which of the two is which.
pub(crate) struct Roles<'a> {
    pub(crate) primary: &'a Stack,
    pub(crate) replica: &'a Stack,
}

/// Which of the two is the primary. An error when both are, or none, or one does not answer.
pub(crate) async fn roles(pair: [&Stack; 2]) -> anyhow::Result<Roles<'_>> {
    match (leads(pair[0]).await?, leads(pair[1]).await?) {
        (true, false) => Ok(Roles { primary: pair[0], replica: pair[1] }),
        (false, true) => Ok(Roles { primary: pair[1], replica: pair[0] }),
        (true, true) => bail!("both Redis are primaries"),
        (false, false) => bail!("no Redis is a primary"),
    }
}

/// Whether it is a primary.
pub(crate) async fn leads(stack: &Stack) -> anyhow::Result<bool> {
    Ok(replication(stack).await?.contains("role:master"))
}

/// What it tells of its role, its primary and its replica.
pub(super) async fn replication(stack: &Stack) -> anyhow::Result<String> {
    ask(&stack.urls().redis, &["INFO", "replication"]).await
}

/// Lets replicas and Sentinels in, and it into the other; after each start anew, for it keeps none of this.
pub(crate) async fn admit(stack: &Stack) -> anyhow::Result<()> {
    let url = &stack.urls().redis;
    within("let a Redis' replica and Sentinels in", TOLD_WITHIN, async {
        let settings = [("masteruser", REPLICA), ("masterauth", SECRET), ("repl-diskless-sync-delay", "0")];
        for (name, value) in settings {
            tell(url, &["CONFIG", "SET", name, value]).await.with_context(|| format!("set {name}"))?;
        }
        // The Sentinels last: the first thing that they do may be to make it a replica, which closes everybody's connections.
        let password = format!(">{SECRET}");
        for user in [REPLICA, SENTINEL] {
            tell(url, &["ACL", "SETUSER", user, "on", &password, "allkeys", "allchannels", "allcommands"]).await?;
        }
        // One that came before its user was there could not log in and goes on as everybody, whom nothing can be refused.
        disconnect(stack, is_sentinel_without_login).await
    })
    .await
}

/// Nothing more goes to its replica until [`admit`].
pub(crate) async fn leave_replica_behind(stack: &Stack) -> anyhow::Result<()> {
    let url = &stack.urls().redis;
    within("keep a Redis' replica away", TOLD_WITHIN, async {
        tell(url, &["ACL", "SETUSER", REPLICA, "off"]).await?;
        tell(url, &["CLIENT", "KILL", "USER", REPLICA]).await
    })
    .await
}

/// The Sentinels' pings and orders are refused until [`admit`]: to them it is down, and no connection of anybody's need be
/// closed. (Without the pings alone they would make it a replica some ten seconds later.)
pub(crate) async fn hide_from_sentinels(stack: &Stack) -> anyhow::Result<()> {
    let hide = ["ACL", "SETUSER", SENTINEL, "-ping", "-slaveof", "-replicaof"];
    within("hide a Redis from the Sentinels", TOLD_WITHIN, tell(&stack.urls().redis, &hide)).await
}

/// Ends every other connection of the services.
pub(crate) async fn disconnect_half_the_services(stack: &Stack, which: usize) -> anyhow::Result<()> {
    let mut turn = which;
    let chosen = |client: &str| {
        let service = is_service(client);
        turn += usize::from(service);
        service && turn.is_multiple_of(2)
    };
    within("close half of the services' connections", TOLD_WITHIN, disconnect(stack, chosen)).await
}

/// Services alone speak RESP3.
fn is_service(client: &str) -> bool {
    client.contains(" resp=3")
}

/// They give their connections such names, see `sentinelSetClientName` in Redis' sentinel.c.
fn is_sentinel_without_login(client: &str) -> bool {
    client.contains(" name=sentinel-") && !client.contains(&format!(" user={SENTINEL} "))
}

/// Ends the connections that are chosen by their lines of <https://redis.io/docs/latest/commands/client-list/>.
async fn disconnect(stack: &Stack, chosen: impl FnMut(&str) -> bool) -> anyhow::Result<()> {
    let url = &stack.urls().redis;
    for id in ids(&ask::<String>(url, &["CLIENT", "LIST"]).await?, chosen) {
        // It may have gone by itself.
        tell(url, &["CLIENT", "KILL", "ID", id]).await?;
    }
    Ok(())
}

fn ids(clients: &str, mut chosen: impl FnMut(&str) -> bool) -> Vec<&str> {
    let chosen = clients.lines().filter(|client| chosen(client));
    chosen.filter_map(|client| client.split(' ').find_map(|field| field.strip_prefix("id="))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENTS: &str = "\
        id=3 addr=127.0.0.1:1 name=sentinel-0a1b2c3d-cmd db=0 cmd=ping user=sentinel redir=-1 resp=2 lib-name=\n\
        id=4 addr=127.0.0.1:2 name=sentinel-0a1b2c3d-pubsub db=0 cmd=subscribe user=default redir=-1 resp=2 lib-name=\n\
        id=5 addr=127.0.0.1:3 name= db=0 cmd=evalsha user=default redir=-1 resp=3 lib-name=redis-rs\n\
        id=6 addr=127.0.0.1:4 name= db=0 cmd=info user=default redir=-1 resp=2 lib-name=redis-rs\n\
        id=7 addr=127.0.0.1:5 name= db=0 cmd=evalsha user=default redir=-1 resp=3 lib-name=redis-rs\n";

    #[test]
    fn connections_are_chosen_by_what_redis_tells_of_them() {
        assert_eq!(ids(CLIENTS, is_service), ["5", "7"]);
        assert_eq!(ids(CLIENTS, is_sentinel_without_login), ["4"]);
        assert!(ids("", is_service).is_empty());
    }
}
