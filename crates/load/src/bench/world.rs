//! The one running system that all parts are measured on, with the echo beside it, and the account of what it has acknowledged:
//! a figure of creates that were not all stored would be worth nothing.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use devstack::{Server, Urls};
use localsystem::{Binaries, LocalSystem, Options, Service};
use mysql_async::{Conn, prelude::Queryable};
use store::{Store, outbox};
use tokio::time::sleep;

use super::{effort::Effort, processes::Group, row::Row};
use crate::{
    echo,
    rounds::database,
    run::{Outcome, Plan, run},
    scenario::Scenario,
    side::Side,
};

/// Something must be stored or indexed within this time, as long as something is left.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Every message is counted in its chat or in the chat's mark, at any moment. Only the chats of scenarios count: other parts make
/// rows past the queues.
const STORED: &str = "SELECT CAST(COALESCE(SUM(chats.messages_count + COALESCE(dirty_chats.added, 0)), 0) AS UNSIGNED) \
    FROM applications JOIN chats ON chats.application_id = applications.id \
    LEFT JOIN dirty_chats ON dirty_chats.application_id = chats.application_id AND dirty_chats.chat_number = chats.number \
    WHERE applications.name LIKE 'load: %'";

/// See the module.
pub(crate) struct World {
    pub(crate) system: LocalSystem,
    pub(crate) echo: Side,
    pub(crate) effort: Effort,
    /// What was measured so far in the part that is under way. A part adds its rows also when it fails: as many as it has come
    /// to.
    pub(crate) rows: Vec<Row>,
    pub(crate) store: Store,
    runs: u32,
    /// Creates that must be stored, and those that may be.
    acknowledged: u64,
    doubtful: u64,
}

impl World {
    pub(crate) async fn start(effort: Effort) -> anyhow::Result<Self> {
        let progress = devstack::for_terminal();
        let system = LocalSystem::start(Binaries::build().await?, Options::temporary(), progress.as_ref()).await?;
        let (store, echo) = (database(&system)?, echo::start().await?);
        Ok(Self { system, echo, effort, rows: Vec::new(), store, runs: 0, acknowledged: 0, doubtful: 0 })
    }

    pub(crate) fn address(&self, service: Service) -> SocketAddr {
        self.system.address(service)
    }

    pub(crate) fn urls(&self) -> &Urls {
        self.system.stack().urls()
    }

    /// The database's URL.
    pub(crate) fn mysql_url(&self) -> String {
        format!("{}/chat", self.urls().mysql)
    }

    /// A connection past the adapter, to look and to compare.
    pub(crate) async fn mysql(&self) -> anyhow::Result<Conn> {
        Ok(Conn::from_url(format!("{}?prefer_socket=false", self.mysql_url())).await?)
    }

    /// An application with chats to create in.
    pub(crate) async fn scenario(&self, name: &'static str, chats: usize) -> anyhow::Result<Arc<Scenario>> {
        Ok(Arc::new(Scenario::create(name, chats, self.address(Service::Api), self.address(Service::Ingest)).await?))
    }

    /// Creates as fast as so many clients can, at ingest, and takes them into the account.
    pub(crate) async fn create(&mut self, scenario: &Arc<Scenario>, clients: u32, duration: Duration) -> anyhow::Result<Outcome> {
        let target = self.address(Service::Ingest);
        self.create_at(&[target], scenario, clients, duration).await
    }

    /// The same at several replicas, among which the clients are spread. The outcome is of all of them.
    pub(crate) async fn create_at(
        &mut self,
        targets: &[SocketAddr],
        scenario: &Arc<Scenario>,
        clients: u32,
        duration: Duration,
    ) -> anyhow::Result<Outcome> {
        let clients = clients / u32::try_from(targets.len())?;
        let plans: Vec<Plan> = targets.iter().map(|target| self.plan(*target, scenario, clients, duration)).collect();
        let mut outcomes = futures_util::future::try_join_all(plans.into_iter().map(run)).await?.into_iter();
        let mut all = outcomes.next().context("no target")?;
        for outcome in outcomes {
            all.latency_us.add(&outcome.latency_us)?;
            all.refused += outcome.refused;
            all.unanswered += outcome.unanswered;
            all.elapsed = all.elapsed.max(outcome.elapsed);
        }
        self.acknowledged += all.latency_us.len();
        self.doubtful += all.refused + all.unanswered;
        Ok(all)
    }

    /// The same requests to a server that stores nothing.
    pub(crate) async fn pretend(
        &mut self,
        target: SocketAddr,
        scenario: &Arc<Scenario>,
        clients: u32,
        duration: Duration,
    ) -> anyhow::Result<Outcome> {
        run(self.plan(target, scenario, clients, duration)).await
    }

    /// Takes creates into the account that were made in another way.
    pub(crate) fn account_for(&mut self, acknowledged: u64, doubtful: u64) {
        self.acknowledged += acknowledged;
        self.doubtful += doubtful;
    }

    fn plan(&mut self, target: SocketAddr, scenario: &Arc<Scenario>, clients: u32, duration: Duration) -> Plan {
        self.runs += 1;
        Plan { target, scenario: scenario.clone(), clients, duration, run: self.runs, keep: false }
    }

    /// How many creates were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// How many of the account's messages are stored.
    pub(crate) async fn stored(&self, conn: &mut Conn) -> anyhow::Result<u64> {
        conn.query_first(STORED).await?.context("no sum")
    }

    /// Rows that wait to be indexed; some beyond a hundred thousand count as that.
    pub(crate) async fn outbox(&self) -> anyhow::Result<u64> {
        Ok(outbox::depth(&mut *self.store.acquire().await?).await?)
    }

    /// Waits until all that was acknowledged is stored and indexed. The consumer must run.
    pub(crate) async fn settled(&self) -> anyhow::Result<()> {
        self.all_stored().await?;
        self.all_indexed().await
    }

    /// Waits until all that was acknowledged is stored; fails when more is stored than can be.
    pub(crate) async fn all_stored(&self) -> anyhow::Result<()> {
        let mut conn = self.mysql().await?;
        let mut progress = Progress::new();
        loop {
            let stored = self.stored(&mut conn).await?;
            if stored >= self.acknowledged {
                let most = self.acknowledged + self.doubtful;
                ensure!(stored <= most, "{stored} messages are stored of {most} that may be");
                return Ok(conn.disconnect().await?);
            }
            progress.of(stored).with_context(|| format!("{stored} of {} acknowledged creates are stored", self.acknowledged))?;
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until nothing is left to be indexed.
    pub(crate) async fn all_indexed(&self) -> anyhow::Result<()> {
        let mut progress = Progress::new();
        loop {
            let left = self.outbox().await?;
            if left == 0 {
                return Ok(());
            }
            progress.of(left).with_context(|| format!("{left} outbox rows are left"))?;
            sleep(LOOK_EVERY).await;
        }
    }

    /// Everything whose processor time a create can cost.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let service = |name, service| Group { name, roots: self.system.process_ids(service), with_children: false };
        let server = |server: Server| {
            let roots = self.system.stack().pid(server).into_iter().collect();
            Group { name: server.name(), roots, with_children: true }
        };
        let mut groups = vec![
            service("ingest", Service::Ingest),
            service("consumer", Service::Consumer),
            Group { name: "load generator", roots: vec![std::process::id()], with_children: false },
        ];
        groups.extend(Server::ALL.map(server));
        groups
    }

    /// Ends the system in order.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        self.system.down().await
    }
}

/// Gives up when a figure has not changed for too long.
struct Progress {
    last: Option<u64>,
    since: Instant,
}

impl Progress {
    fn new() -> Self {
        Self { last: None, since: Instant::now() }
    }

    fn of(&mut self, figure: u64) -> anyhow::Result<()> {
        if self.last.replace(figure) != Some(figure) {
            self.since = Instant::now();
        }
        ensure!(self.since.elapsed() < PATIENCE, "nothing has changed for {} s", PATIENCE.as_secs());
        Ok(())
    }
}
