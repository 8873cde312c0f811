//! Puts the service together, and takes it apart in order.
//!
//! On shutdown the pipelines stop taking deliveries and finish what they hold; then the connection to the broker is closed, which
//! gives the rest to a standby in its order; then the indexer finishes what it was handed, and the relay has given back what it
//! had taken. Each step has a time that follows from `http.shutdown_ms`, and whatever does not get done in it is safe to leave:
//! it is in the queue or in the outbox. With the defaults all of it takes ten seconds at most, of the fifteen within which every
//! service ends.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use broker::Consumer;
use roster::Roster;
use search::SearchIndex;
use sequencer::Sequencer;
use service::{
    health::{self, Check},
    http,
    telemetry::Telemetry,
};
use store::Store;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use trace::Tracer;

use crate::{
    Config, InvalidSettings,
    counts::Job,
    hand_over,
    index::{self, Index},
    lease::Lease,
    meters,
    monitor::Monitor,
    pipeline::{Pipeline, Shared},
    relay::Relay,
    reporting,
    taking::Taking,
};

/// Why the service cannot start, or ended other than asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP server failed.
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
    /// RabbitMQ's queues are others than configured.
    #[error(transparent)]
    Broker(#[from] broker::Error),
    /// Elasticsearch's settings are of no use.
    #[error(transparent)]
    Search(#[from] search::Error),
    /// A setting of the consumer's own cannot work.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// A partition was no longer consumed: a bug. The process must be started again.
    #[error("a partition's pipeline ended by itself")]
    PipelineEnded,
}

/// The service at work.
pub struct Running {
    server: http::Running,
    work: JoinHandle<Result<(), Error>>,
    stop: CancellationToken,
}

impl Running {
    /// Where its health and metrics are served.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Waits until `shutdown` was cancelled and all is finished.
    ///
    /// # Errors
    /// When a part of the service ended by itself.
    pub async fn finished(self) -> Result<(), Error> {
        let served = self.server.finished().await;
        self.stop.cancel();
        self.work.await.unwrap_or(Err(Error::PipelineEnded))?;
        Ok(served?)
    }
}

/// Starts the service; `port` is for health and metrics, and is opened when the topology is known. None of the servers needs to
/// be up.
///
/// # Errors
/// When a setting is of no use, or the queues were made for another number of partitions.
pub async fn start(
    config: Config,
    port: http::Port,
    telemetry: Telemetry,
    shutdown: CancellationToken,
) -> Result<Running, Error> {
    config.consumer.check()?;
    meters::register();
    let stop = shutdown.child_token();
    let tracer = Tracer::start(&config.trace, "consumer", env!("CARGO_PKG_VERSION"))?;
    let store = Store::connect(&config.mysql)?;
    let sequencer = Sequencer::connect(&config.redis)?;
    let search = SearchIndex::connect(&config.elasticsearch)?;
    // Closed by its handle alone, when all is settled.
    let (consumer, streams) = Consumer::start(&config.amqp, CancellationToken::new());
    consumer.refuse_wrong_topology().await?;

    let health = health::routes(checks(&store, &consumer, &search), telemetry.clone());
    // Nobody is sent here, so nothing has to go elsewhere before it stops.
    let admin = http::Settings { drain_ms: 0, ..config.http.clone() };
    let server = http::serve(port, &admin, Tracer::off(), stop.clone(), health)?;

    let index = Index::new(search);
    let (hand_overs, waiting) = hand_over::queue(config.consumer.indexer_queue_batches);
    let indexer = tokio::spawn(index::run(index.clone(), store.clone(), tracer.clone(), waiting, config.consumer.index_every()));
    let relay = Relay {
        store: store.clone(),
        lease: Lease::new(store.clone()),
        index,
        interval: config.consumer.relay_interval(),
        retry: config.consumer.retry(),
    };
    let relay = tokio::spawn(relay.run(stop.clone()));
    let (first, interval) = (config.consumer.count_first(), config.consumer.count_interval());
    let job = Job::default();
    tokio::spawn(job.clone().run_periodically(store.clone(), first, interval, stop.clone()));

    let taking = Taking::new(config.amqp.topology().partitions());
    let roster = Roster::connect(sequencer.primary().clone(), &config.redis.key_prefix);
    reporting::start(roster.clone(), telemetry, server.address(), taking.clone(), &job, interval, stop.clone());

    let mut monitor =
        Monitor { consumer: consumer.clone(), store: store.clone(), roster, indexer: hand_overs.view(), lags: Vec::new() };
    let shared = Arc::new(Shared {
        store,
        sequencer,
        consumer: consumer.clone(),
        taking,
        limits: config.consumer.limits(config.amqp.prefetch),
        retry: config.consumer.retry(),
        tracer: tracer.clone(),
    });
    let abort = CancellationToken::new();
    let mut pipelines = JoinSet::new();
    for stream in streams {
        let pipeline = Pipeline::new(shared.clone(), stream, hand_overs.clone());
        monitor.lags.push(pipeline.lag());
        pipelines.spawn(pipeline.run(stop.clone(), abort.clone()));
    }
    tokio::spawn(monitor.run(stop.clone()));
    // The pipelines hold the others: the indexer ends after them.
    drop(hand_overs);
    let limit = Duration::from_millis(config.http.shutdown_ms);
    let work = tokio::spawn(Work { pipelines, abort, consumer, indexer, relay, tracer, stop: stop.clone(), limit }.finished());
    Ok(Running { server, work, stop })
}

/// What must be finished in order.
struct Work {
    pipelines: JoinSet<()>,
    abort: CancellationToken,
    consumer: Consumer,
    indexer: JoinHandle<()>,
    relay: JoinHandle<()>,
    tracer: Tracer,
    stop: CancellationToken,
    limit: Duration,
}

impl Work {
    async fn finished(mut self) -> Result<(), Error> {
        let outcome = tokio::select! {
            biased;
            () = self.stop.cancelled() => Ok(()),
            _ = self.pipelines.join_next() => Err(Error::PipelineEnded),
        };
        self.stop.cancel();
        if timeout(self.limit, pipelines_end(&mut self.pipelines)).await.is_err() {
            self.abort.cancel();
            pipelines_end(&mut self.pipelines).await;
        }
        self.consumer.close().await;
        let indexed = async { tokio::join!(&mut self.indexer, &mut self.relay) };
        if timeout(self.limit / 2, indexed).await.is_err() {
            tracing::info!("stopped with batches that are not indexed; the outbox has them");
            self.indexer.abort();
            self.relay.abort();
        }
        self.tracer.finish().await;
        outcome
    }
}

async fn pipelines_end(pipelines: &mut JoinSet<()>) {
    while pipelines.join_next().await.is_some() {}
}

/// Nothing waits for the index: without it the service stays ready.
fn checks(store: &Store, consumer: &Consumer, search: &SearchIndex) -> Vec<Check> {
    vec![
        Check::new("mysql", store, |store| async move { store.ping().await }),
        Check::new("rabbitmq", consumer, |consumer| async move { consumer.check() }),
        Check::new("elasticsearch", search, |search| async move { search.check().await }).optional(),
    ]
}
