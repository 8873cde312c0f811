//! The two Redis under three Sentinels: one is the primary, the other follows it, and which is which changes.
//!
//! Sentinels and followers have users of their own at both, so that either can be kept from it without any client noticing.

use std::{path::Path, time::Duration};

use anyhow::{Context, ensure};
use devstack::{DataDir, Progress, SentinelOptions, Sentinels, Stack};
use tokio::time::{Instant, sleep};

use super::{address_of, sentence};
use crate::redis::{ask, tell};

/// Short ones: what is looked for happens around a failover, not in the wait for it.
const DOWN_AFTER: Duration = Duration::from_secs(1);
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(3);
/// Sentinels let some eight seconds pass before they make a replica of a primary that should be one, and copying takes a moment.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const SECRET: &str = "unimportant";

/// The users of the Redis that follows, and of the Sentinels.
const REPLICA: &str = "replica";
const SENTINEL: &str = "sentinel";

/// See the module.
pub(crate) struct Watch {
    sentinels: Sentinels,
}

/// Which of the two is which.
pub(crate) struct Roles<'a> {
    pub(crate) primary: &'a Stack,
    pub(crate) replica: &'a Stack,
}

impl Watch {
    /// Has the second follow the first, and both watched.
    pub(super) async fn start(pair: [&Stack; 2], place: &Path, progress: &dyn Progress) -> anyhow::Result<Self> {
        for stack in pair {
            admit(stack).await?;
        }
        let primary = address_of(&pair[0].urls().redis.parse()?)?;
        tell(&pair[1].urls().redis, &["REPLICAOF", &primary.ip().to_string(), &primary.port().to_string()]).await?;
        let (master, user) = (Sentinels::MASTER, SENTINEL);
        let options = SentinelOptions {
            data: DataDir::Path(place.join("sentinels")),
            replicas: 1,
            down_after: DOWN_AFTER,
            failover_timeout: FAILOVER_TIMEOUT,
            lines: vec![format!("sentinel auth-user {master} {user}"), format!("sentinel auth-pass {master} {SECRET}")],
            ..SentinelOptions::over(pair[0])
        };
        let watch = Self { sentinels: Sentinels::up(&options, progress).await.map_err(sentence)? };
        watch.settled(pair).await?;
        Ok(watch)
    }

    /// The setting by which services find them.
    pub(crate) fn list(&self) -> String {
        self.sentinels.addresses().join(",")
    }

    /// Waits until one is the primary, the other has everything, and every Sentinel says so.
    pub(crate) async fn settled(&self, pair: [&Stack; 2]) -> anyhow::Result<()> {
        let deadline = Instant::now() + SETTLED_WITHIN;
        while !self.agreed(pair).await.unwrap_or(false) {
            ensure!(Instant::now() < deadline, "the Sentinels do not bring one primary and one replica about");
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    async fn agreed(&self, pair: [&Stack; 2]) -> anyhow::Result<bool> {
        let Roles { primary, replica } = roles(pair).await?;
        let replication: String = ask(&replica.urls().redis, &["INFO", "replication"]).await?;
        let address = address_of(&primary.urls().redis.parse()?)?;
        let mut agreed = replication.contains("master_link_status:up");
        for sentinel in self.sentinels.addresses() {
            let url = format!("redis://{sentinel}");
            let told: (String, u16) = ask(&url, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Sentinels::MASTER]).await?;
            let replicas: Vec<Vec<String>> = ask(&url, &["SENTINEL", "REPLICAS", Sentinels::MASTER]).await?;
            // Fields and values in turn: its flags say "slave" alone when all is well with it.
            let well = replicas.iter().any(|fields| fields.chunks(2).any(|field| field == ["flags", "slave"]));
            agreed &= told.1 == address.port() && well;
        }
        Ok(agreed)
    }
}

/// Which of the two is the primary. An error when both are, or none, or one does not answer.
pub(crate) async fn roles(pair: [&Stack; 2]) -> anyhow::Result<Roles<'_>> {
    match (leads(pair[0]).await?, leads(pair[1]).await?) {
        (true, false) => Ok(Roles { primary: pair[0], replica: pair[1] }),
        (false, true) => Ok(Roles { primary: pair[1], replica: pair[0] }),
        (one, _) => anyhow::bail!("{} of Redis", if one { "two primaries" } else { "no primary" }),
    }
}

/// Whether it is a primary.
pub(crate) async fn leads(stack: &Stack) -> anyhow::Result<bool> {
    Ok(ask::<String>(&stack.urls().redis, &["INFO", "replication"]).await?.contains("role:master"))
}

/// Lets both kinds in, and it into the other; after each start anew, for it keeps none of this.
pub(crate) async fn admit(stack: &Stack) -> anyhow::Result<()> {
    let url = &stack.urls().redis;
    let password = format!(">{SECRET}");
    for user in [REPLICA, SENTINEL] {
        tell(url, &["ACL", "SETUSER", user, "on", &password, "allkeys", "allchannels", "allcommands"]).await?;
    }
    let settings = [("masteruser", REPLICA), ("masterauth", SECRET), ("repl-diskless-sync-delay", "0")];
    for (name, value) in settings {
        tell(url, &["CONFIG", "SET", name, value]).await.with_context(|| format!("set {name}"))?;
    }
    Ok(())
}

/// Nothing more goes to its replica until [`admit`].
pub(crate) async fn leave_replica_behind(stack: &Stack) -> anyhow::Result<()> {
    let url = &stack.urls().redis;
    tell(url, &["ACL", "SETUSER", REPLICA, "off"]).await?;
    tell(url, &["CLIENT", "KILL", "USER", REPLICA]).await
}

/// The Sentinels' pings and orders are refused until [`admit`]: to them it is down, and no connection of anybody's need be closed. (Without
/// the pings alone they would make it a replica some ten seconds later.)
pub(crate) async fn hide_from_sentinels(stack: &Stack) -> anyhow::Result<()> {
    tell(&stack.urls().redis, &["ACL", "SETUSER", SENTINEL, "-ping", "-slaveof", "-replicaof"]).await
}
