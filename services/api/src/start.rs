//! Puts the service together, and takes it apart in order.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ::search::SearchIndex;
use actix_web::web::Data;
use broker::Publisher;
use cache::Cache;
use numbering::{Numbering, Role};
use ratelimit::RateLimit;
use roster::{Reporter, Roster};
use sequencer::Sequencer;
use service::{
    health::{self, Check},
    http, openapi,
    telemetry::Telemetry,
};
use store::{Store, WorkerPools};
use tokio_util::sync::CancellationToken;
use trace::Tracer;

use crate::{
    Config,
    cached::Cached,
    rooms::Rooms,
    routes,
    search::{Folding, Scans},
    sightings::Sightings,
    state::{Shared, State},
};

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
    /// The cache's settings are of no use.
    #[error(transparent)]
    Cache(#[from] cache::Error),
    /// RabbitMQ's queues are others than configured.
    #[error(transparent)]
    Broker(#[from] broker::Error),
    /// Elasticsearch's settings are of no use.
    #[error(transparent)]
    Search(#[from] ::search::Error),
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

    /// Waits until `shutdown` was cancelled and all is finished: first the requests, then what they need.
    ///
    /// # Errors
    /// When the HTTP server failed.
    pub async fn finished(self) -> Result<(), Error> {
        let outcome = self.server.finished().await;
        self.publisher.drain().await;
        self.background.cancel();
        self.tracer.finish().await;
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
    let tracer = Tracer::start(&config.trace, "api", env!("CARGO_PKG_VERSION"))?;
    let pools = WorkerPools::connect(&config.mysql, config.http.worker_count())?;
    let store = pools.common().clone();
    let index = SearchIndex::connect(&config.elasticsearch)?;
    let sequencer = Sequencer::connect(&config.redis)?;
    // Requests are counted where numbers are given.
    let rate_limit = RateLimit::start(&config.rate_limit, sequencer.place()).await?;
    let cache =
        config.cache.enabled.then(|| Cache::connect(sequencer.primary().clone(), &config.redis.key_prefix, &config.cache));
    let cached = Cached::new(cache.transpose()?, Duration::from_millis(config.cache.ttl_ms));
    let publisher = Publisher::start(&config.amqp, background.clone());
    publisher.refuse_wrong_topology().await?;
    let partitions = config.amqp.topology().partitions();
    let numbering =
        Numbering::start(Role::Reader, sequencer.clone(), publisher.clone(), store.clone(), partitions, background.clone());
    let health = health::routes(checks(&store, &sequencer, &publisher, &index), telemetry.clone());
    let document = openapi::routes(crate::openapi());
    let roster = Roster::connect(sequencer.primary().clone(), &config.redis.key_prefix);
    let console = console::routes(
        console::Parts {
            store: store.clone(),
            sequencer,
            publisher: publisher.clone(),
            roster: roster.clone(),
            admin_token: config.api.admin_token.clone(),
        },
        shutdown.clone(),
    );
    let stopping = shutdown.clone();
    let (rooms, folding, scans, sightings) = (Rooms::new(), Folding::new(), Scans::new(), Sightings::new());
    let shared = Arc::new(Shared { numbering, index, cached, rooms, folding, scans, sightings, settings: config.api });
    let server = http::serve(port, &config.http, tracer.clone(), shutdown, move |routes| {
        // What is added first is not limited.
        health(routes);
        document(routes);
        console(routes);
        let state = Data::new(State { shared: shared.clone(), store: pools.of_worker() });
        rate_limit.around(routes, |routes| routes::configure(routes, state.clone()));
    })?;
    Reporter::new(roster, telemetry, "api", server.address()).start(stopping);
    Ok(Running { server, publisher, background, tracer })
}

/// Without MySQL nothing can be answered. Without the others most can, so they are reported and leave the service ready.
fn checks(store: &Store, sequencer: &Sequencer, publisher: &Publisher, index: &SearchIndex) -> Vec<Check> {
    vec![
        Check::new("mysql", store, |store| async move { store.ping().await }),
        Check::new("redis", sequencer, |sequencer| async move { sequencer.check().await }).optional(),
        Check::new("rabbitmq", publisher, |publisher| async move { publisher.check() }).optional(),
        Check::new("elasticsearch", index, |index| async move { index.check().await }).optional(),
    ]
}
