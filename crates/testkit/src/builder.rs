//! What a test may choose about its system.

use devstack::{Certificates, Server};
use futures_util::future::join_all;
use search::SearchIndex;

use crate::{Service, System, environment::Environment, servers::Servers};

/// Chooses what a [`System`] is made of; the default is one replica of each service over the shared servers.
pub struct Builder {
    own: Vec<Server>,
    certificates: Option<Certificates>,
    settings: Vec<(String, String)>,
    api: usize,
    ingest: usize,
    consumer: usize,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { own: Vec::new(), certificates: None, settings: Vec::new(), api: 1, ingest: 1, consumer: 1 }
    }

    /// Gives the system a private server in place of the shared one, which it may harm: see [`System::stack`].
    pub fn own(mut self, server: Server) -> Self {
        self.own.push(server);
        self
    }

    /// Gives the system four private servers which speak TLS and nothing else, and has the services trust their authority.
    pub fn over_tls(mut self, certificates: Certificates) -> Self {
        self.own = Server::ALL.to_vec();
        self.certificates = Some(certificates);
        self
    }

    /// Sets a variable of the services' environment, such as `CHAT__AMQP__PARTITIONS`.
    pub fn set(mut self, variable: &str, value: impl ToString) -> Self {
        self.settings.push((variable.to_owned(), value.to_string()));
        self
    }

    /// How many replicas of the service run from the start.
    pub fn replicas(mut self, service: Service, count: usize) -> Self {
        match service {
            Service::Api => self.api = count,
            Service::Ingest => self.ingest = count,
            Service::Consumer => self.consumer = count,
        }
        self
    }

    /// Makes database and index, starts the replicas and waits until all are ready.
    pub async fn start(self) -> System {
        let servers = Servers::start(self.own, self.certificates).await;
        let mut environment = Environment::new(&servers);
        for (variable, value) in &self.settings {
            environment.set(variable, value);
        }
        let system = System::new(servers, environment);
        tokio::join!(migrate(&system), make_index(&system));
        let replicas = [(Service::Api, self.api), (Service::Ingest, self.ingest), (Service::Consumer, self.consumer)];
        let replicas = replicas.into_iter().flat_map(|(service, count)| std::iter::repeat_n(service, count));
        join_all(replicas.map(|service| system.launch(service))).await;
        system.ready().await;
        system
    }
}

async fn migrate(system: &System) {
    store::migrate(&system.config::<ingest::Config>().mysql).await.unwrap_or_else(|error| panic!("no database: {error}"));
}

async fn make_index(system: &System) {
    let index = SearchIndex::connect(&system.config::<api::Config>().elasticsearch).unwrap();
    index.ensure_index().await.unwrap_or_else(|error| panic!("no index: {error}"));
}
