//! Three Sentinels that watch over the [pair](super::pair): what they bring about by themselves, waited for.

use std::{path::Path, time::Duration};

use anyhow::{anyhow, ensure};
use devstack::{DataDir, Progress, SentinelOptions, Sentinels, Stack};

use super::{
    address_of,
    pair::{Roles, SECRET, SENTINEL, admit, leads, replication, roles},
    sentence,
};
use crate::{
    redis::{ask, tell},
    wait::{until, within},
};

/// Short ones: what is looked for happens around a failover, not in the wait for it.
const DOWN_AFTER: Duration = Duration::from_secs(1);
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(3);
/// A second until the primary counts as down, twice the Sentinels' patience if their last failover is not long ago, another time
/// if one of their attempts comes to nothing; and the half minute in which they do nothing after their own processes have stood
/// still.
const PROMOTED_WITHIN: Duration = Duration::from_secs(90);
/// They tell one another every two seconds.
const NAMED_WITHIN: Duration = Duration::from_secs(45);
/// They let some eight seconds pass before they make a replica of a primary that should be one, and look every ten; copying takes
/// a moment; and again the half minute.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);
/// For a word on what went wrong.
const VIEWS_WITHIN: Duration = Duration::from_secs(10);

/// See the module.
pub(crate) struct Watch {
    sentinels: Sentinels,
}

/// What one Sentinel tells.
struct View {
    /// Where the primary is.
    port: u16,
    /// How the primary seems to it: "master" alone when all is well.
    primary: String,
    /// How the other seems to it: "slave" alone when all is well.
    others: Vec<String>,
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

    /// Waits until this one is a primary and every Sentinel names it: before that, who loses its connection to the old primary
    /// would be sent back there.
    pub(crate) async fn promoted(&self, replica: &Stack) -> anyhow::Result<()> {
        let port = address_of(&replica.urls().redis.parse()?)?.port();
        // They close all connections to it when they promote it, this one too: an error is no answer.
        let leading = async || {
            ensure!(leads(replica).await?, "it is a replica");
            Ok(())
        };
        self.explained(until("the Sentinels promote the replica", PROMOTED_WITHIN, leading).await).await?;
        let named = async || {
            for (name, view) in self.views().await? {
                ensure!(view.port == port, "{name} names {}", view.port);
            }
            Ok(())
        };
        self.explained(until("every Sentinel names the promoted replica", NAMED_WITHIN, named).await).await
    }

    /// Waits until one is the primary, the other has everything, and every Sentinel says so.
    pub(crate) async fn settled(&self, pair: [&Stack; 2]) -> anyhow::Result<()> {
        let settled = until("one primary and one replica, to all Sentinels", SETTLED_WITHIN, async || self.agreed(pair).await);
        self.explained(settled.await).await
    }

    async fn agreed(&self, pair: [&Stack; 2]) -> anyhow::Result<()> {
        let Roles { primary, replica } = roles(pair).await?;
        ensure!(replication(replica).await?.contains("master_link_status:up"), "the replica has no link to its primary");
        let port = address_of(&primary.urls().redis.parse()?)?.port();
        for (name, View { port: named, primary, others }) in self.views().await? {
            ensure!(named == port, "{name} names {named}, and {port} is the primary");
            ensure!(primary == "master" && others == ["slave"], "to {name} they are {primary} and {others:?}");
        }
        Ok(())
    }

    /// What each Sentinel tells, by its address.
    async fn views(&self) -> anyhow::Result<Vec<(String, View)>> {
        let mut views = Vec::new();
        for sentinel in self.sentinels.addresses() {
            let url = format!("redis://{sentinel}");
            let master: Vec<String> = ask(&url, &["SENTINEL", "MASTER", Sentinels::MASTER]).await?;
            let others: Vec<Vec<String>> = ask(&url, &["SENTINEL", "REPLICAS", Sentinels::MASTER]).await?;
            let others = others.iter().map(|fields| field(fields, "flags").to_owned()).collect();
            views.push((
                sentinel,
                View { port: field(&master, "port").parse()?, primary: field(&master, "flags").to_owned(), others },
            ));
        }
        Ok(views)
    }

    /// An error with what the Sentinels think of it.
    async fn explained(&self, outcome: anyhow::Result<()>) -> anyhow::Result<()> {
        let Err(error) = outcome else { return Ok(()) };
        let told = match within("ask the Sentinels", VIEWS_WITHIN, self.views()).await {
            Ok(views) => views.into_iter().map(|(name, view)| format!("{name}: {view}")).collect::<Vec<_>>().join("; "),
            Err(error) => format!("{error:#}"),
        };
        Err(anyhow!("{error:#} ({told})"))
    }
}

impl std::fmt::Display for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the primary is at {}, {}; beside it {:?}", self.port, self.primary, self.others)
    }
}

/// Fields and values come in turn.
fn field<'a>(fields: &'a [String], name: &str) -> &'a str {
    fields.chunks(2).find_map(|field| if field[0] == name { field.get(1) } else { None }).map_or("", String::as_str)
}
