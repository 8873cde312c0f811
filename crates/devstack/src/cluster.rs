//! Several RabbitMQ nodes as one cluster: a stack for each, and the daemon by which they find one another.
//!
//! The nodes stand for machines: each is killed, paused and started alone, as a stack's server is. The daemon outlives them all,
//! for in one machine's place it stands for many.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use futures_util::future::try_join_all;

use crate::cache;
use crate::places::cache_directory;
use crate::ports::{self, Assigned};
use crate::process::Process;
use crate::servers::epmd;
use crate::{DataDir, Database, Error, Ports, Progress, RabbitmqNode, Server, Stack, StackOptions};

/// RabbitMQ nodes that live as long as this value.
#[derive(Debug)]
pub struct RabbitmqCluster {
    // Dropped in this order.
    nodes: Vec<Stack>,
    _epmd: Process,
    _ports: Assigned,
}

impl RabbitmqCluster {
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
        let mut command = epmd(&images, &home, ports.epmd);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = Process::spawn(command).await.map_err(Error::io("start epmd in", &home))?;
        let names: Vec<String> = (1..=nodes).map(|number| format!("chat-{number}@localhost")).collect();
        let node = |(number, name): (usize, &String)| {
            let node = RabbitmqNode {
                name: name.clone(),
                cluster: names.clone(),
                epmd: ports.epmd,
                cookie: "ACOOKIEOFTHECLUSTER".to_owned(),
            };
            let data = DataDir::Path(place.join(format!("rabbitmq-{number}")));
            let only = StackOptions { servers: vec![Server::Rabbitmq], data, rabbitmq_node: Some(node), ..options.clone() };
            Stack::up(only, progress)
        };
        let nodes = try_join_all((1..).zip(&names).map(node)).await?;
        Ok(Self { nodes, _epmd: daemon, _ports: ports })
    }

    /// The nodes, whose names are `chat-1@localhost` and so on, in this order.
    pub fn nodes(&self) -> &[Stack] {
        &self.nodes
    }
}
