//! The servers and the services together, with one owner.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use devstack::{Progress, Server, Stack, StackOptions};

use crate::{
    Binaries, Service,
    chatctl::migrate,
    ports::{choose_addresses, free_address},
    process::{Launch, Process},
};

// On one machine accepting comes first: what is stored later waits safely in the queues, what is indexed later in the outbox.
// With Elasticsearch at 19 still more is accepted, and new text is found after eight seconds in place of one
// (docs/BENCHMARKS.md).
const STORING_NICENESS: u8 = 5;
const INDEXING_NICENESS: u8 = 7;

/// What may be chosen about a local system.
#[derive(Debug, Clone)]
pub struct Options {
    /// The servers.
    pub stack: StackOptions,
    /// The services' ports; a free one is found for each that is not given.
    pub ports: BTreeMap<Service, u16>,
    /// Further variables for the services' environment.
    pub environment: Vec<(String, String)>,
}

impl Options {
    /// Free ports, temporary data, and little to read: for measuring.
    pub fn temporary() -> Self {
        let environment = vec![("LOG_LEVEL".to_owned(), "warn".to_owned())];
        Self { stack: Self::shared_machine(), ports: BTreeMap::new(), environment }
    }

    /// All servers on one machine with the services: indexing may lag behind storing, and storing behind accepting.
    pub fn shared_machine() -> StackOptions {
        let niceness = [(Server::Mysql, STORING_NICENESS), (Server::Elasticsearch, INDEXING_NICENESS)].into();
        StackOptions { niceness, ..StackOptions::default() }
    }
}

/// A running system. Dropping it kills everything, the servers as soon as nobody else holds them; [`LocalSystem::down`] ends it
/// in order.
pub struct LocalSystem {
    services: BTreeMap<Service, Process>,
    replicas: Vec<Process>,
    addresses: BTreeMap<Service, SocketAddr>,
    binaries: Binaries,
    environment: Vec<(String, String)>,
    stack: Arc<Stack>,
}

impl LocalSystem {
    /// Starts the servers, brings tables and index up to date, then starts the services.
    ///
    /// # Errors
    /// One sentence: which part, and why.
    pub async fn start(binaries: Binaries, options: Options, progress: &dyn Progress) -> anyhow::Result<Self> {
        let addresses = choose_addresses(&options.ports)?;
        let stack = Stack::up(options.stack, progress).await.map_err(|error| anyhow::anyhow!(error.with_sources()))?;
        let mut environment = service_environment(&stack);
        environment.extend(options.environment);
        migrate(&binaries, &environment).await?;
        let stack = Arc::new(stack);
        let mut system = Self { services: BTreeMap::new(), replicas: Vec::new(), addresses, binaries, environment, stack };
        for service in Service::ALL {
            system.start_service(service).await?;
        }
        Ok(system)
    }

    /// The servers. Whoever takes a share in them gives it back before [`LocalSystem::down`].
    pub fn stack(&self) -> &Arc<Stack> {
        &self.stack
    }

    /// Where a service answers, whether it runs or not.
    pub fn address(&self, service: Service) -> SocketAddr {
        self.addresses[&service]
    }

    /// The variables by which the services find the servers.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// The path of a program of ours, by the name of its package.
    pub fn program(&self, name: &str) -> PathBuf {
        self.binaries.path(name)
    }

    /// The id of a running service's process.
    pub fn process_id(&self, service: Service) -> Option<u32> {
        self.services.get(&service)?.id()
    }

    /// The ids of all running processes of a service, replicas among them.
    pub fn process_ids(&self, service: Service) -> Vec<u32> {
        let replicas = self.replicas.iter().filter(|process| process.service() == service).filter_map(Process::id);
        self.process_id(service).into_iter().chain(replicas).collect()
    }

    /// Starts a service and waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready in time.
    pub async fn start_service(&mut self, service: Service) -> anyhow::Result<()> {
        let process = Process::start(&self.launch(service, self.addresses[&service], &[])).await?;
        self.services.insert(service, process);
        Ok(())
    }

    /// Starts one more replica of a service, with further variables in its environment, and returns where it answers once it is
    /// ready. It runs until [`LocalSystem::stop_replicas`], or the system's end.
    ///
    /// # Errors
    /// When it ends, or is not ready in time.
    pub async fn start_replica(&mut self, service: Service, variables: &[(&str, &str)]) -> anyhow::Result<SocketAddr> {
        self.add_replica(service, variables, None).await
    }

    /// The same, for one whose output goes to the end of a file.
    ///
    /// # Errors
    /// As [`LocalSystem::start_replica`]; or the file cannot be written.
    pub async fn start_logged_replica(
        &mut self,
        service: Service,
        variables: &[(&str, &str)],
        log: &Path,
    ) -> anyhow::Result<SocketAddr> {
        self.add_replica(service, variables, Some(log.to_owned())).await
    }

    async fn add_replica(
        &mut self,
        service: Service,
        variables: &[(&str, &str)],
        log: Option<PathBuf>,
    ) -> anyhow::Result<SocketAddr> {
        let address = free_address()?;
        let launch = Launch { log, ..self.launch(service, address, variables) };
        self.replicas.push(Process::start(&launch).await?);
        Ok(address)
    }

    /// Stops all that [`LocalSystem::start_replica`] has started, with SIGTERM.
    ///
    /// # Errors
    /// The first that did not end as it should; the others are ended all the same.
    pub async fn stop_replicas(&mut self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        for replica in std::mem::take(&mut self.replicas) {
            outcome = outcome.and(replica.stop().await);
        }
        outcome
    }

    fn launch(&self, service: Service, address: SocketAddr, variables: &[(&str, &str)]) -> Launch {
        let further = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = self.environment.iter().cloned().chain(further).collect();
        let niceness = if service == Service::Consumer { STORING_NICENESS } else { 0 };
        Launch { service, program: self.binaries.path(service.name()), address, environment, niceness, log: None }
    }

    /// Stops a service with SIGTERM.
    ///
    /// # Errors
    /// When it does not end with success within its promised time.
    pub async fn stop_service(&mut self, service: Service) -> anyhow::Result<()> {
        match self.services.remove(&service) {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }

    /// Kills a service with SIGKILL.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill_service(&mut self, service: Service) -> anyhow::Result<()> {
        match self.services.remove(&service) {
            Some(process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// Kills all services and starts them anew from other programs, one of each. The servers go on.
    ///
    /// # Errors
    /// When one ends, or is not ready in time.
    pub async fn exchange(&mut self, binaries: Binaries) -> anyhow::Result<()> {
        for replica in std::mem::take(&mut self.replicas) {
            replica.kill().await?;
        }
        for service in Service::ALL {
            self.kill_service(service).await?;
        }
        self.binaries = binaries;
        for service in Service::ALL {
            self.start_service(service).await?;
        }
        Ok(())
    }

    /// Waits until a service ends by itself, which none should, and says so.
    pub async fn broken(&mut self) -> anyhow::Error {
        let ends = self.services.iter_mut().map(|(service, process)| {
            Box::pin(async move {
                match process.ended().await {
                    Ok(status) => anyhow::anyhow!("{service} ended by itself ({status})"),
                    Err(error) => anyhow::anyhow!("{service} cannot be watched: {error}"),
                }
            })
        });
        futures_util::future::select_all(ends).await.0
    }

    /// Ends everything in order: those that accept first, then those that store, then the servers.
    ///
    /// # Errors
    /// The first part that did not end as it should; the others are ended all the same.
    pub async fn down(mut self) -> anyhow::Result<()> {
        let mut outcome = self.stop_replicas().await;
        for service in [Service::Ingest, Service::Api, Service::Consumer] {
            outcome = outcome.and(self.stop_service(service).await);
        }
        outcome.and(self.stack.end_all().await.map_err(|error| anyhow::anyhow!(error.with_sources())))
    }
}

fn service_environment(stack: &Stack) -> Vec<(String, String)> {
    let urls = stack.urls();
    [
        ("DATABASE_URL", format!("{}/chat", urls.mysql)),
        ("REDIS_URL", urls.redis.clone()),
        ("AMQP_URL", urls.amqp.clone()),
        ("ELASTICSEARCH_URL", urls.elasticsearch.clone()),
        // Nothing stands in front of them that would have to notice.
        ("CHAT__HTTP__DRAIN_MS", "0".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
