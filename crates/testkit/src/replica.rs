//! One running service. It has a runtime of its own, as a process would, so that it can be stopped gracefully, or as suddenly as
//! by a kill.

use std::{
    net::SocketAddr,
    pin::Pin,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::environment::Environment;

/// One of the three services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Reads, updates, search.
    Api,
    /// Creates.
    Ingest,
    /// Stores and indexes.
    Consumer,
}

/// What every service must keep to when it is asked to stop.
const STOP_LIMIT: Duration = Duration::from_secs(15);

pub(crate) struct Replica {
    pub(crate) service: Service,
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
    finished: JoinHandle<Result<(), String>>,
    runtime: Option<Runtime>,
}

/// An end that is awaited: of any of the services.
type Finished = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

impl Replica {
    /// Starts a service, or returns the sentence with which it refuses to.
    pub(crate) async fn start(service: Service, environment: Environment) -> Result<Self, String> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime for a service");
        let shutdown = CancellationToken::new();
        let started = runtime.spawn(start(service, environment, shutdown.clone())).await;
        match started.expect("a service's start does not panic") {
            Ok((address, finished)) => {
                let finished = runtime.spawn(finished);
                Ok(Self { service, address, shutdown, finished, runtime: Some(runtime) })
            }
            Err(sentence) => {
                runtime.shutdown_background();
                Err(sentence)
            }
        }
    }

    /// Stops it as SIGTERM does, and returns how long that took.
    pub(crate) async fn stop(mut self) -> Duration {
        let began = Instant::now();
        self.shutdown.cancel();
        let ended = timeout(STOP_LIMIT, &mut self.finished).await;
        let ended = ended.unwrap_or_else(|_| panic!("{:?} has not stopped within {STOP_LIMIT:?}", self.service));
        ended.expect("a service's end does not panic").unwrap_or_else(|error| panic!("{:?} ended with: {error}", self.service));
        began.elapsed()
    }

    /// At the end of a test: gracefully for a moment, then by force.
    pub(crate) async fn end(mut self, within: Duration) {
        self.shutdown.cancel();
        let _ = timeout(within, &mut self.finished).await;
    }
}

/// Whatever is still at work in it is dropped where it stands, its connections with it.
impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What each service's main does, from configuration to running.
macro_rules! start {
    ($service:ident, $environment:ident, $shutdown:ident) => {{
        let config: $service::Config = $environment.config().map_err(sentence)?;
        let telemetry = service::telemetry::init(&config.log, stringify!($service)).map_err(sentence)?;
        let port = service::http::bind(&config.http).await.map_err(sentence)?;
        let running = $service::start(config, port, telemetry, $shutdown).await.map_err(sentence)?;
        let address = running.address();
        Ok((address, Box::pin(async move { running.finished().await.map_err(sentence) })))
    }};
}

async fn start(
    service: Service,
    environment: Environment,
    shutdown: CancellationToken,
) -> Result<(SocketAddr, Finished), String> {
    match service {
        Service::Api => start!(api, environment, shutdown),
        Service::Ingest => start!(ingest, environment, shutdown),
        Service::Consumer => start!(consumer, environment, shutdown),
    }
}

fn sentence(error: impl std::fmt::Display) -> String {
    error.to_string()
}
