//! Where the servers of one system answer: the shared ones of the environment, or private ones.

use std::path::PathBuf;

use devstack::{Certificates, ElasticsearchOptions, Quiet, Server, Stack, StackOptions};
use tokio::sync::SemaphorePermit;

use crate::gate;

/// Enough for an index of some thousand messages.
const ELASTICSEARCH_HEAP_MIB: u32 = 256;

pub(crate) struct Servers {
    stack: Option<Stack>,
    own: Vec<Server>,
    /// Given back after the private servers are gone.
    _turn: Option<SemaphorePermit<'static>>,
}

impl Servers {
    /// Starts the servers in `own`, side by side; the others are those of the environment. With certificates they speak TLS.
    pub(crate) async fn start(own: Vec<Server>, certificates: Option<Certificates>) -> Self {
        if own.is_empty() {
            return Self { stack: None, own, _turn: None };
        }
        let turn = gate::turn().await;
        let elasticsearch = ElasticsearchOptions { heap_mib: ELASTICSEARCH_HEAP_MIB, short_lived: true };
        let options = StackOptions { elasticsearch, certificates, ..StackOptions::only(own.iter().copied()) };
        let stack = Stack::up(options, &Quiet).await.unwrap_or_else(|error| panic!("a private server does not start: {error}"));
        Self { stack: Some(stack), own, _turn: Some(turn) }
    }

    pub(crate) fn stack(&self) -> &Stack {
        self.stack.as_ref().expect("the system has no server of its own: build it with .own(…)")
    }

    /// The file with the certificate of the private servers' authority, if they speak TLS.
    pub(crate) fn authority(&self) -> Option<PathBuf> {
        let stack = self.stack.as_ref()?;
        Some(stack.data_dir(*self.own.first()?).join("tls/authority.pem")).filter(|file| file.exists())
    }

    pub(crate) fn is_own(&self, server: Server) -> bool {
        self.own.contains(&server)
    }

    /// The server's URL, without a database.
    pub(crate) fn url(&self, server: Server) -> String {
        match &self.stack {
            Some(stack) if self.is_own(server) => {
                let urls = stack.urls();
                match server {
                    Server::Mysql => &urls.mysql,
                    Server::Redis => &urls.redis,
                    Server::Rabbitmq => &urls.amqp,
                    Server::Elasticsearch => &urls.elasticsearch,
                }
                .clone()
            }
            _ => shared(variable(server)),
        }
    }
}

/// The variable that names a server, to the services and here alike.
pub(crate) fn variable(server: Server) -> &'static str {
    match server {
        Server::Mysql => "DATABASE_URL",
        Server::Redis => "REDIS_URL",
        Server::Rabbitmq => "AMQP_URL",
        Server::Elasticsearch => "ELASTICSEARCH_URL",
    }
}

fn shared(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run the tests with `make test`, which starts the servers and names them")
    })
}
