//! Puts the service together, and takes it apart in order.

use std::net::SocketAddr;

use actix_web::web::Data;
use broker::Publisher;
use numbering::{Numbering, Role};
use ratelimit::RateLimit;
use roster::{Reporter, Roster};
use sequencer::Sequencer;
use service::{
    health::{self, Check},
    http, openapi,
    telemetry::Telemetry,
};
use store::Store;
use tokio_util::sync::CancellationToken;
use trace::Tracer;

use crate::{Config, routes, state::State};

/// Why the service cannot start, or ended other than asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP server failed, or the settings of logs are of no use.
    #[error(transparent)]
    Service(#[from] service::Error),
    /// The settings of traces are of no use.
    #[error(transparent)]
    Trace(#[from] trace::InvalidSettings),
    /// MySQL's settings are of no use.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Redis' settings are of no use.
    #[error(transparent)]
    Sequencer(#[from] sequencer::Error),
    /// The limits' settings are of no use.
    #[error(transparent)]
    RateLimit(#[from] ratelimit::Error),
    /// RabbitMQ's queues are others than configured.
    #[error(transparent)]
    Broker(#[from] broker::Error),
}

/// The service at work.
pub struct Running {
    server: http::Running,
    publisher: Publisher,
    background: CancellationToken,
    tracer: Tracer,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Waits until `shutdown` was cancelled and all is finished: first the requests, then what they published. With the default
    /// settings that is so within 15 s, whatever clients and broker do.
    ///
    /// # Errors
    /// When the HTTP server failed.
    pub async fn finished(self) -> Result<(), Error> {
        let outcome = self.server.finished().await;
        // Together, for nothing that is traced goes on.
        tokio::join!(self.publisher.drain(), self.tracer.finish());
        self.background.cancel();
        Ok(outcome?)
    }
}

/// Starts the service on `port`, which is opened last. None of the servers needs to be up: requests are answered 503 until they
/// are.
///
/// # Errors
/// When a setting is of no use, or the queues were made for another number of partitions.
pub async fn start(
    config: Config,
    port: http::Port,
    telemetry: Telemetry,
    shutdown: CancellationToken,
) -> Result<Running, Error> {
    // What requests need outlives the accepting of requests.
    let background = CancellationToken::new();
    let tracer = Tracer::start(&config.trace, "ingest", env!("CARGO_PKG_VERSION"))?;
    let store = Store::connect(&config.mysql)?;
    let sequencer = Sequencer::connect(&config.redis)?;
    // Requests are counted where numbers are given.
    let rate_limit = RateLimit::start(&config.rate_limit, sequencer.place()).await?.deferring_creates();
    let publisher = Publisher::start(&config.amqp, background.clone());
    publisher.refuse_wrong_topology().await?;
    let partitions = config.amqp.topology().partitions();
    let numbering =
        Numbering::start(Role::Writer, sequencer.clone(), publisher.clone(), store.clone(), partitions, background.clone());
    let health = health::routes(checks(&sequencer, &publisher, &store, &numbering), telemetry.clone());
    let document = openapi::routes(crate::openapi());
    let roster = Roster::connect(sequencer.primary().clone(), &config.redis.key_prefix);
    let stopping = shutdown.clone();
    let state = Data::new(State { numbering, settings: config.ingest });
    let server = http::serve(port, &config.http, tracer.clone(), shutdown, move |routes| {
        // What is added first is not limited.
        health(routes);
        document(routes);
        rate_limit.around(routes, |routes| routes::configure(routes, state.clone()));
    })?;
    Reporter::new(roster, telemetry, "ingest", server.address()).start(stopping);
    Ok(Running { server, publisher, background, tracer })
}

/// MySQL is asked only for counters that are missing: without it most creates go on, so the service stays ready.
fn checks(sequencer: &Sequencer, publisher: &Publisher, store: &Store, numbering: &Numbering) -> Vec<Check> {
    vec![
        Check::new("redis", sequencer, |sequencer| async move { sequencer.check().await }),
        Check::new("rabbitmq", publisher, |publisher| async move { publisher.check() }),
        Check::new("numbering", numbering, |numbering| async move { numbering.check().await }),
        Check::new("mysql", store, |store| async move { store.ping().await }).optional(),
    ]
}
