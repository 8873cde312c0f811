//! The system of one test: its services, and all that it has on the servers.

use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use deadpool_redis::redis::{self, FromRedisValue};
use devstack::{Server, Stack};
use serde::de::DeserializeOwned;
use store::Store;

use crate::{
    Application, Ask, Builder, Client, Service, environment::Environment, eventually::eventually, replica::Replica,
    servers::Servers, tidy::Belongings,
};

/// How long services may take to be ready, and anything else that must happen and whose duration is not the matter.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a service may take to end gracefully when the test is over.
const END_WITHIN: Duration = Duration::from_secs(4);
/// How long removing everything may take.
const TIDY_WITHIN: Duration = Duration::from_secs(30);

/// A running chat system. Dropping it ends it and removes all that it made.
pub struct System {
    // Dropped in this order: services, then servers.
    replicas: Mutex<Vec<Replica>>,
    client: Client,
    store: Store,
    environment: Environment,
    servers: Servers,
}

impl System {
    /// One replica of each service over the shared servers, all ready.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A system that is to be otherwise.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(servers: Servers, environment: Environment) -> Self {
        let config: ingest::Config = environment.config().unwrap_or_else(|error| panic!("no configuration: {error}"));
        let store = Store::connect(&config.mysql).unwrap();
        Self { replicas: Mutex::default(), client: Client::new(), store, environment, servers }
    }

    /// Starts one more replica.
    pub async fn launch(&self, service: Service) {
        self.try_launch(service, &[]).await.unwrap_or_else(|sentence| panic!("{service:?} does not start: {sentence}"));
    }

    /// Starts one more replica with other settings, or returns the sentence with which it refuses to start.
    ///
    /// # Errors
    /// The sentence.
    pub async fn try_launch(&self, service: Service, settings: &[(&str, &str)]) -> Result<(), String> {
        self.start_replica(service, settings).await.map(|_| ())
    }

    async fn start_replica(&self, service: Service, settings: &[(&str, &str)]) -> Result<SocketAddr, String> {
        let replica = Replica::start(service, self.environment.with(settings)).await?;
        let address = replica.address;
        self.client.add(service, address);
        self.replicas.lock().unwrap_or_else(PoisonError::into_inner).push(replica);
        Ok(address)
    }

    /// Stops the oldest replica as SIGTERM does, starts another in its place and waits until it is ready. Until the old one has
    /// ended, clients go on sending requests to it, except a [`Balancer`](crate::Balancer)'s when that finds out.
    pub async fn restart(&self, service: Service) {
        let replica = self.take_oldest(service);
        let old = replica.address;
        replica.stop().await;
        self.client.remove(old);
        let started = self.start_replica(service, &[]).await;
        self.ready_at(started.unwrap_or_else(|sentence| panic!("{service:?} does not start: {sentence}"))).await;
    }

    /// Stops the oldest replica as SIGTERM does, and returns how long that took.
    pub async fn stop(&self, service: Service) -> Duration {
        self.take(service).stop().await
    }

    /// Ends the oldest replica as suddenly as a kill.
    pub fn crash(&self, service: Service) {
        drop(self.take(service));
    }

    /// No request is sent to it from now on.
    fn take(&self, service: Service) -> Replica {
        let replica = self.take_oldest(service);
        self.client.remove(replica.address);
        replica
    }

    fn take_oldest(&self, service: Service) -> Replica {
        let mut replicas = self.replicas.lock().unwrap_or_else(PoisonError::into_inner);
        let place = replicas.iter().position(|replica| replica.service == service);
        replicas.remove(place.unwrap_or_else(|| panic!("no {service:?} runs")))
    }

    /// Waits until every service says that it is ready.
    pub async fn ready(&self) {
        for address in self.client.addresses() {
            self.ready_at(address).await;
        }
    }

    async fn ready_at(&self, address: SocketAddr) {
        eventually("a service is ready", PATIENCE, async || self.client.is_ready(address).await).await;
    }

    /// Creates an application.
    pub async fn create_application(&self, name: &str) -> Application {
        self.client.create_application(name).await
    }

    /// A request to the api.
    pub fn api(&self, method: &str, path: &str) -> Ask {
        self.client.ask(Service::Api, method, path)
    }

    /// A request to the ingest; its replicas take turns.
    pub fn ingest(&self, method: &str, path: &str) -> Ask {
        self.client.ask(Service::Ingest, method, path)
    }

    /// A request to a service; its replicas take turns.
    pub fn ask(&self, service: Service, method: &str, path: &str) -> Ask {
        self.client.ask(service, method, path)
    }

    /// Where the oldest replica of a service listens, for requests that no HTTP client would send.
    ///
    /// # Panics
    /// When none runs.
    pub fn address(&self, service: Service) -> SocketAddr {
        *self.client.replicas(service).first().unwrap_or_else(|| panic!("no {service:?} runs"))
    }

    /// A client of this system, for tasks.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The typed client, of the oldest replicas.
    pub fn typed_client(&self, options: client::Options) -> client::Client {
        let url = |service| format!("http://{}", self.address(service));
        client::Client::new(&url(Service::Api), &url(Service::Ingest), options).unwrap()
    }

    /// The tables.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The private servers, to be killed, paused and started again.
    pub fn stack(&self) -> &Stack {
        self.servers.stack()
    }

    /// A service's configuration.
    pub fn config<T: DeserializeOwned>(&self) -> T {
        self.environment.config().unwrap_or_else(|error| panic!("no configuration: {error}"))
    }

    /// The environment that the services were given, for a process of the test's.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment.variables()
    }

    /// Sends Redis a command, as an operator would.
    pub async fn redis<T: FromRedisValue>(&self, command: &[&str]) -> T {
        let client = redis::Client::open(self.servers.url(Server::Redis)).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        redis::cmd(command[0]).arg(&command[1..]).query_async(&mut connection).await.unwrap()
    }

    fn belongings(&self) -> Belongings {
        let config: consumer::Config = self.config();
        Belongings {
            topology: config.amqp.topology(),
            mysql: config.mysql,
            redis: config.redis,
            amqp_url: self.servers.url(Server::Rabbitmq),
            elasticsearch: config.elasticsearch,
            servers: Server::ALL.into_iter().filter(|server| !self.servers.is_own(*server)).collect(),
        }
    }
}

impl Drop for System {
    /// On a thread and a runtime of its own: the test's may be in the middle of a panic, and its drop cannot wait.
    fn drop(&mut self) {
        let replicas = std::mem::take(&mut *self.replicas.lock().unwrap_or_else(PoisonError::into_inner));
        let belongings = self.belongings();
        let tidying = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async {
                futures_util::future::join_all(replicas.into_iter().map(|replica| replica.end(END_WITHIN))).await;
                let removed = tokio::time::timeout(TIDY_WITHIN, belongings.remove()).await;
                removed.unwrap_or_else(|_| vec!["what the test made is left behind: the servers take too long".to_owned()])
            })
        });
        let left = tidying.join().unwrap_or_else(|_| vec!["what the test made is left behind: tidying up panicked".to_owned()]);
        if left.is_empty() {
            return;
        }
        // A second panic would end the process, and with it the other tests.
        if std::thread::panicking() {
            eprintln!("{}", left.join("\n"));
        } else {
            panic!("{}", left.join("\n"));
        }
    }
}
