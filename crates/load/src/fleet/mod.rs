//! The system that is made to fail: the real servers, several replicas of each service as processes, and a proxy on every way
//! between the two. Everything in it can be addressed, and nothing of it outlives its owner.
//!
//! It gives the services no short cut: they are the programs that are deployed, with settings that users have.

mod cuts;
mod disk;
mod environment;
mod namespaces;
mod pair;
mod ports;
mod proxy;
mod replica;
mod standby;
#[cfg(test)]
mod tests;
mod watch;

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    slice,
    time::Duration,
};

use anyhow::Context;
use devstack::{DataDir, Progress, RabbitmqCluster, Sentinels, Server, Stack, StackOptions};
use futures_util::future::try_join_all;
use localsystem::{Binaries, Launch, Service, chatctl, migrate};
use say::say;
use serde::Deserialize;
use url::Url;

use self::{
    cuts::Cuts,
    environment::{address_of, clock_environment, environment, urls},
};

pub(crate) use self::{
    cuts::hindrance as hindrance_to_cuts,
    disk::{Disks, hindrance as hindrance_to_full_disks},
    namespaces::{Namespaces, has_left, network},
    pair::{Roles, admit, disconnect_half_the_services, hide_from_sentinels, leave_replica_behind, roles},
    proxy::{Mode, Proxy},
    replica::{Replica, ReplicaId},
    standby::Standby,
    watch::Watch,
};

/// How many replicas of each service there are.
const REPLICAS: [(Service, usize); 3] = [(Service::Consumer, 2), (Service::Ingest, 2), (Service::Api, 1)];
/// A majority remains when one of them is gone.
const NODES: usize = 3;
/// A server may be started while everything else is at work.
const READY_WITHIN: Duration = Duration::from_secs(240);
/// Messages a second: nobody else needs the servers then.
const VERIFY_RATE: &str = "50000";
/// Enough for tens of millions of messages.
const VERIFIED_WITHIN: Duration = Duration::from_secs(1_800);
/// Lines of each log that are shown when something fails.
const TAIL_LINES: usize = 15;

/// What may be chosen about a fleet.
pub(crate) struct Plan {
    /// Where logs, clocks and the servers' data go.
    pub(crate) place: PathBuf,
    /// Whether the servers' file systems can be made full, see [`hindrance_to_full_disks`].
    pub(crate) disks: bool,
    /// Whether RabbitMQ is a cluster of three nodes.
    pub(crate) cluster: bool,
    /// Whether its nodes can be cut off from one another. The network must be this process's own, see [`has_left`].
    pub(crate) cuts: bool,
    /// Whether Sentinels watch over Redis and the services are told of them alone.
    pub(crate) sentinels: bool,
    /// libfaketime, by which each replica has a clock of its own.
    pub(crate) fake_clock: Option<PathBuf>,
}

/// See the module.
pub(crate) struct Fleet {
    // Dropped in this order.
    replicas: Vec<Replica>,
    stack: Stack,
    cluster: Option<RabbitmqCluster>,
    watch: Option<Watch>,
    standby: Standby,
    disks: Option<Disks>,
    cuts: Option<Cuts>,
    cut_off: Option<usize>,
    place: PathBuf,
}

impl Fleet {
    /// Starts the servers, then the services, and returns when all are ready.
    pub(crate) async fn start(plan: Plan, binaries: &Binaries, progress: &dyn Progress) -> anyhow::Result<Self> {
        let Plan { place, disks, cluster, cuts, sentinels, fake_clock } = plan;
        let data = place.join("data");
        for directory in [&data, &place.join("clocks")] {
            fs::create_dir_all(directory).with_context(|| format!("create {}", directory.display()))?;
        }
        let disks = if disks { Some(Disks::mount(&data).await?) } else { None };
        let cuts = if cuts { Some(Cuts::prepare().await?) } else { None };
        let options = StackOptions { ready_within: READY_WITHIN, ..StackOptions::default() };
        let cluster = match cluster {
            true => Some(RabbitmqCluster::up(NODES, &place, options.clone(), progress).await.map_err(sentence)?),
            false => None,
        };
        let servers = Server::ALL.into_iter().filter(|server| *server != Server::Rabbitmq || cluster.is_none()).collect();
        let stack =
            Stack::up(StackOptions { data: DataDir::Path(data), servers, ..options }, progress).await.map_err(sentence)?;
        let standby = Standby::start(&stack.urls().redis, &place, progress).await?;
        let watch = match sentinels {
            true => Some(Watch::start([&stack, standby.stack()], &place, progress).await?),
            false => None,
        };
        let mut fleet = Self { replicas: Vec::new(), stack, cluster, watch, standby, disks, cuts, cut_off: None, place };
        let mut direct = fleet.direct()?;
        // Elasticsearch has only just started: it takes its time for the first index.
        direct.push(("CHAT__ELASTICSEARCH__TIMEOUT_MS".to_owned(), "30000".to_owned()));
        migrate(binaries, &direct).await?;
        for (service, replicas) in REPLICAS {
            for index in 0..replicas {
                let replica = fleet.spawn(ReplicaId { service, index }, binaries, fake_clock.as_deref()).await?;
                fleet.replicas.push(replica);
            }
        }
        try_join_all(fleet.replicas.iter_mut().map(Replica::wait_ready)).await?;
        Ok(fleet)
    }

    async fn spawn(&self, id: ReplicaId, binaries: &Binaries, fake_clock: Option<&Path>) -> anyhow::Result<Replica> {
        let mut links = BTreeMap::new();
        for (server, url) in urls(&self.stack)? {
            let targets = match server {
                Server::Rabbitmq => self.rabbitmq_from(self.replicas.len())?,
                _ => vec![address_of(&url)?],
            };
            links.insert(server, Proxy::start(targets).await?);
        }
        let clock = self.place.join("clocks").join(id.to_string());
        let mut environment = self.found_through(&links)?;
        environment.push(("LOG_LEVEL".to_owned(), "info,access=off".to_owned()));
        environment.extend(fake_clock.map(|library| clock_environment(library, &clock)).into_iter().flatten());
        let launch = Launch {
            service: id.service,
            program: binaries.path(id.service.name()),
            address: ports::free()?,
            environment,
            niceness: 0,
            log: Some(self.place.join(format!("{id}.log"))),
        };
        Replica::spawn(id, links, launch, clock)
    }

    /// Where the nodes of RabbitMQ take clients, beginning with one of them: replicas begin with different ones, and each node
    /// has clients.
    fn rabbitmq_from(&self, node: usize) -> anyhow::Result<Vec<SocketAddr>> {
        let nodes = self.rabbitmq();
        let turn = nodes.iter().cycle().skip(node % nodes.len().max(1)).take(nodes.len());
        turn.map(|node| address_of(&Url::parse(&node.urls().amqp)?)).collect()
    }

    /// The servers.
    pub(crate) fn stack(&self) -> &Stack {
        &self.stack
    }

    /// The nodes of RabbitMQ, of which there may be one.
    pub(crate) fn rabbitmq(&self) -> &[Stack] {
        self.cluster.as_ref().map_or(slice::from_ref(&self.stack), RabbitmqCluster::nodes)
    }

    /// The stack of a server; of several nodes, that of one of them.
    pub(crate) fn host(&self, server: Server, node: usize) -> &Stack {
        let nodes = self.rabbitmq();
        if server == Server::Rabbitmq { &nodes[node % nodes.len()] } else { &self.stack }
    }

    /// The second Redis.
    pub(crate) fn standby(&self) -> &Standby {
        &self.standby
    }

    /// Both Redis; which of them is the primary, where Sentinels watch over them, is to be asked.
    pub(crate) fn redis(&self) -> [&Stack; 2] {
        [&self.stack, self.standby.stack()]
    }

    /// Those who watch over the two.
    pub(crate) fn watch(&self) -> anyhow::Result<&Watch> {
        self.watch.as_ref().context("there are no Sentinels")
    }

    /// The servers' file systems, where there are any that can be made full.
    pub(crate) fn disks(&self) -> anyhow::Result<&Disks> {
        self.disks.as_ref().context("the disks cannot be made full here")
    }

    /// The places of the RabbitMQ nodes to which replicas of this service have connections.
    pub(crate) fn nodes_of(&self, service: Service) -> anyhow::Result<Vec<usize>> {
        let links = self.replicas.iter().filter(|replica| replica.id.service == service);
        let links = links.filter_map(|replica| replica.links.get(&Server::Rabbitmq));
        let in_use: Vec<SocketAddr> = links.flat_map(Proxy::carries_to).collect();
        let nodes = self.rabbitmq_from(0)?.into_iter().enumerate();
        Ok(nodes.filter(|(_, address)| in_use.contains(address)).map(|(node, _)| node).collect())
    }

    /// Cuts the RabbitMQ node of this place off from the others; not from its clients.
    pub(crate) async fn cut_off(&mut self, node: usize) -> anyhow::Result<()> {
        let addresses = self.cluster.as_ref().context("a single node has nobody to be cut off from")?.addresses();
        let one = *addresses.get(node).with_context(|| format!("no node {node}"))?;
        let cuts = self.cuts.as_mut().context("nodes cannot be cut off here")?;
        self.cut_off = Some(node);
        cuts.make(one, addresses.iter().copied().filter(|address| *address != one)).await
    }

    /// The place of the node that is cut off.
    pub(crate) fn is_cut_off(&self) -> Option<usize> {
        self.cut_off
    }

    /// All nodes reach one another again.
    pub(crate) async fn mend_cut(&mut self) -> anyhow::Result<()> {
        if let Some(cuts) = &mut self.cuts {
            cuts.mend().await?;
        }
        self.cut_off = None;
        Ok(())
    }

    /// The directory of this run.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// All replicas.
    pub(crate) fn replicas(&self) -> &[Replica] {
        &self.replicas
    }

    /// The replica of this service with this index; higher indices begin anew.
    pub(crate) fn replica(&mut self, service: Service, index: usize) -> anyhow::Result<&mut Replica> {
        let mut all: Vec<_> = self.replicas.iter_mut().filter(|replica| replica.id.service == service).collect();
        let count = all.len().max(1);
        (index % count < all.len()).then(|| all.swap_remove(index % count)).with_context(|| format!("no {service} there"))
    }

    /// Where the replicas of a service answer, whether they run or not.
    pub(crate) fn addresses(&self, service: Service) -> Vec<SocketAddr> {
        self.replicas.iter().filter(|replica| replica.id.service == service).map(Replica::address).collect()
    }

    /// Fails when a replica has ended that should run.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        for replica in &mut self.replicas {
            if let Some(end) = replica.has_ended()? {
                anyhow::bail!(end);
            }
        }
        Ok(())
    }

    /// The most memory that a process of each replica has held so far, in MiB.
    pub(crate) fn peaks(&mut self) -> Vec<(ReplicaId, u64)> {
        self.replicas.iter_mut().map(|replica| (replica.id, replica.note_memory() / 1024)).collect()
    }

    /// Has `chatctl verify` compare all that is stored with the search index and the counts, and prints what it finds.
    ///
    /// # Errors
    /// When it finds something wrong.
    pub(crate) async fn verify(&self, binaries: &Binaries) -> anyhow::Result<()> {
        let table = chatctl(binaries, &["verify", "--rate", VERIFY_RATE], &self.direct()?, VERIFIED_WITHIN).await?;
        say!("\nchatctl verify:\n{table}");
        Ok(())
    }

    /// Has `chatctl verify --repair` mend what it can, and returns how much was wrong before, by the kinds' names.
    ///
    /// # Errors
    /// When something stays wrong.
    pub(crate) async fn repair(&self, binaries: &Binaries) -> anyhow::Result<BTreeMap<String, u64>> {
        #[derive(Deserialize)]
        struct Report {
            found: BTreeMap<String, Found>,
        }
        #[derive(Deserialize)]
        struct Found {
            count: u64,
        }
        let arguments = ["verify", "--repair", "--json", "--rate", VERIFY_RATE];
        let said = chatctl(binaries, &arguments, &self.direct()?, VERIFIED_WITHIN).await?;
        let report: Report = serde_json::from_str(&said).context("chatctl verify said something else")?;
        Ok(report.found.into_iter().map(|(kind, found)| (kind, found.count)).collect())
    }

    /// The variables by which the servers are found without a proxy.
    fn direct(&self) -> anyhow::Result<Vec<(String, String)>> {
        self.found_through(&BTreeMap::new())
    }

    /// The same, through these links where there are any; Redis' primary through the Sentinels, where there are any.
    fn found_through(&self, links: &BTreeMap<Server, Proxy>) -> anyhow::Result<Vec<(String, String)>> {
        let mut variables = environment(&self.stack, links)?;
        if let Some(watch) = &self.watch {
            variables.push(("CHAT__REDIS__SENTINELS".to_owned(), watch.list()));
            variables.push(("CHAT__REDIS__MASTER".to_owned(), Sentinels::MASTER.to_owned()));
        }
        Ok(variables)
    }

    /// The last lines of all replicas' logs.
    pub(crate) fn tails(&self) -> String {
        let mut text = String::new();
        for (id, path) in self.replicas.iter().filter_map(|replica| Some((replica.id, replica.log()?))) {
            text.push_str(&format!("\nthe end of {} ({id}):\n", path.display()));
            let log = fs::read(path).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let lines: Vec<&str> = log.lines().collect();
            for line in &lines[lines.len().saturating_sub(TAIL_LINES)..] {
                text.push_str(&format!("  {line}\n"));
            }
        }
        text
    }

    /// Ends all, the services gracefully; fails when one of them does not end as promised. The logs stay, the data goes.
    pub(crate) async fn down(mut self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        for service in [Service::Ingest, Service::Api, Service::Consumer] {
            for replica in self.replicas.iter_mut().filter(|replica| replica.id.service == service) {
                outcome = outcome.and(replica.stop().await);
            }
        }
        for server in Server::ALL {
            // The data is thrown away.
            outcome = outcome.and(self.stack.kill(server).await.map_err(sentence));
        }
        let data: Vec<PathBuf> = Server::ALL.into_iter().map(|server| self.stack.data_dir(server)).collect();
        let nodes = self.cluster.iter().flat_map(|cluster| cluster.nodes()).map(Stack::root).collect::<Vec<_>>();
        drop(self.cluster);
        drop(self.watch);
        data.iter().chain(&nodes).for_each(|directory| empty(directory));
        outcome.and(self.standby.down().await).and(self.stack.down().await.map_err(sentence))
    }
}

/// A mounted directory cannot be removed itself.
fn empty(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        // What is left behind of thrown away data is no failure of the run.
        let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
    }
}

/// An error of the servers with all its causes.
pub(crate) fn sentence(error: devstack::Error) -> anyhow::Error {
    anyhow::anyhow!(error.with_sources())
}
