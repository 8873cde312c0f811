//! Several RabbitMQ nodes as one cluster: a stack for each, and the daemon by which they find one another.
//!
//! The nodes stand for machines: each is killed, paused and started alone, as a stack's server is, and talks to the others from
//! an address of its own, so that who owns the machine's network can cut them off from one another. The daemon outlives them all,
//! for in one machine's place it stands for many.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::try_join_all;

use crate::cache;
use crate::places::cache_directory;
use crate::ports::{self, Assigned};
use crate::process::Process;
use crate::servers::epmd;
use crate::{DataDir, Database, Error, Ports, Progress, RabbitmqNode, Server, Stack, StackOptions};

/// The last byte of the first node's address; the others follow.
const FIRST_ADDRESS: u8 = 11;

/// RabbitMQ nodes that live as long as this value.
#[derive(Debug)]
pub struct RabbitmqCluster {
    // Dropped in this order.
    nodes: Vec<Stack>,
    addresses: Vec<Ipv4Addr>,
    _epmd: Process,
    _ports: Assigned,
}

impl RabbitmqCluster {
    /// A node that hears nothing from another for so long, give or take a quarter, takes it for gone. By default a minute; who
    /// makes nodes fail does not want to wait for that.
    pub const NET_TICK: Duration = Duration::from_secs(10);

    /// Starts so many nodes, whose data goes into directories below `place`, and returns when all answer.
    ///
    /// # Errors
    /// Whatever [`Error`] describes.
    pub async fn up(nodes: usize, place: &Path, options: StackOptions, progress: &dyn Progress) -> Result<Self, Error> {
        let cache = cache_directory()?;
        let images = cache::images(&cache, &[Server::Rabbitmq], Database::default(), progress).await?;
        let ports = ports::assign(&cache, &Ports::default(), &[])?;
        let home = place.join("epmd");
        fs::create_dir_all(&home).map_err(Error::io("create", &home))?;
        let addresses: Vec<Ipv4Addr> = (FIRST_ADDRESS..).take(nodes).map(|last| Ipv4Addr::new(127, 0, 0, last)).collect();
        let mut command = epmd(&images, &home, ports.epmd, &addresses);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = Process::spawn(command).await.map_err(Error::io("start epmd in", &home))?;
        let names: Vec<String> = (1..).zip(&addresses).map(|(number, address)| format!("chat-{number}@{address}")).collect();
        let node = |((number, name), address): ((usize, &String), &Ipv4Addr)| {
            let node = RabbitmqNode {
                name: name.clone(),
                address: *address,
                cluster: names.clone(),
                epmd: ports.epmd,
                cookie: "ACOOKIEOFTHECLUSTER".to_owned(),
            };
            let data = DataDir::Path(place.join(format!("rabbitmq-{number}")));
            let only = StackOptions { servers: vec![Server::Rabbitmq], data, rabbitmq_node: Some(node), ..options.clone() };
            Stack::up(only, progress)
        };
        let nodes = try_join_all((1..).zip(&names).zip(&addresses).map(node)).await?;
        Ok(Self { nodes, addresses, _epmd: daemon, _ports: ports })
    }

    /// The nodes, whose names are `chat-1@127.0.0.11` and so on, in this order.
    pub fn nodes(&self) -> &[Stack] {
        &self.nodes
    }

    /// The addresses from which they talk to one another, and to nobody else; in the same order.
    pub fn addresses(&self) -> &[Ipv4Addr] {
        &self.addresses
    }
}
