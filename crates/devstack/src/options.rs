//! What a caller may choose about a stack. Only data: nothing here touches the machine.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Database, Ports, Server};

/// Everything that can be chosen about a stack; [`Default`] is all four servers on free ports with
/// temporary data.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Where the servers keep their data.
    pub data: DataDir,
    /// The servers that [`Stack::up`](crate::Stack::up) starts. The others have their ports too
    /// and can be started later.
    pub servers: Vec<Server>,
    /// Which program serves [`Server::Mysql`].
    pub database: Database,
    /// Ports that must be these; the others are found free.
    pub ports: Ports,
    /// Where the servers' own output goes.
    pub log: Log,
    /// How far a server steps back while others need the processors: its niceness, 0 to 19. 0 for those that are not named.
    pub niceness: BTreeMap<Server, u8>,
    /// How much of the machine Elasticsearch is given.
    pub elasticsearch: ElasticsearchOptions,
    /// How long one server may take until it answers; before that, as long again to make the files that it begins with.
    pub ready_within: Duration,
    /// The cluster in which this stack's RabbitMQ is a node; see [`RabbitmqCluster`](crate::RabbitmqCluster), which fills this
    /// in.
    pub rabbitmq_node: Option<RabbitmqNode>,
    /// If they are there, the servers speak TLS on their ports and nothing else, and the URLs call them `localhost`. (MySQL
    /// begins without, as its protocol wants it, and lets nobody in who does not go over to it. RabbitMQ's management stays
    /// without.)
    pub certificates: Option<Certificates>,
}

impl StackOptions {
    /// The defaults, but with these servers only.
    pub fn only(servers: impl IntoIterator<Item = Server>) -> Self {
        Self { servers: servers.into_iter().collect(), ..Self::default() }
    }
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            data: DataDir::Temporary,
            servers: Server::ALL.to_vec(),
            database: Database::default(),
            ports: Ports::default(),
            log: Log::default(),
            niceness: BTreeMap::new(),
            elasticsearch: ElasticsearchOptions::default(),
            ready_within: Duration::from_secs(180),
            rabbitmq_node: None,
            certificates: None,
        }
    }
}

/// What servers that speak TLS show: texts in PEM form.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificates {
    /// The certificate of the authority that has signed the servers'.
    pub authority: String,
    /// The servers' certificate: one for all of them. It need not be one that a client accepts.
    pub server: String,
    /// Its private key.
    pub key: String,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

/// How much of the machine Elasticsearch is given; [`Default`] is a server that is measured or lived with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElasticsearchOptions {
    /// Heap of its JVM, in MiB.
    pub heap_mib: u32,
    /// It lives for minutes: its JVM never optimises what it compiled once, which halves the processor time of a start
    /// and makes the server slower for ever after.
    pub short_lived: bool,
}

impl Default for ElasticsearchOptions {
    fn default() -> Self {
        Self { heap_mib: 512, short_lived: false }
    }
}

/// What a RabbitMQ must know to be one node of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RabbitmqNode {
    /// Its own name, such as `chat-1@127.0.0.11`.
    pub name: String,
    /// From this address it talks to the others, and on this one it listens for them. Clients find it on 127.0.0.1.
    pub address: Ipv4Addr,
    /// The names of all nodes.
    pub cluster: Vec<String>,
    /// The port of the epmd that they share, which must run before them.
    pub epmd: u16,
    /// What they know one another by: letters.
    pub cookie: String,
}

/// Where the servers keep their data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataDir {
    /// A fresh directory inside the cache, removed with the stack. (Not in the system's temporary
    /// directory: where that is memory, an fsync costs nothing and measurements lie.)
    Temporary,
    /// This directory, created if missing, kept afterwards. One stack at a time.
    Path(PathBuf),
}

/// Where the servers' own output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Log {
    /// To `logs/<server>.log` in the data directory.
    #[default]
    Files,
    /// There, and line by line to standard error behind the server's name.
    FilesAndStderr,
}
