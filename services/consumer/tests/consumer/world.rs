//! A world of its own for each test: database, queues, keys and index, and consumers in it; all of it is removed at the end,
//! after a failure too.

use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use consumer::Config;
use deadpool_redis::redis;
use domain::{ApplicationName, ApplicationToken, Timestamp};
use events::Epoch;
use futures_util::FutureExt;
use search::SearchIndex;
use sequencer::Sequencer;
use service::{config, http, telemetry};
use store::{Store, applications};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{forwarder::Forwarder, queues::Queues, tables::Tables};

/// Longer than anything may take that goes right, on a machine that has other work too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What one test works with.
pub(crate) struct World {
    name: String,
    /// What a consumer's process is given.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) config: Config,
    pub(crate) tables: Tables,
    pub(crate) queues: Queues,
    pub(crate) store: Store,
    pub(crate) sequencer: Sequencer,
    pub(crate) search: SearchIndex,
    /// Ends every consumer that the test leaves running.
    end: CancellationToken,
    running: Mutex<Vec<JoinHandle<()>>>,
}

/// A consumer at work.
pub(crate) struct Consumer {
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
    finished: CancellationToken,
}

impl Consumer {
    /// Stops it as SIGTERM would, and says how long that took.
    pub(crate) async fn stop(self) -> Duration {
        let began = Instant::now();
        self.shutdown.cancel();
        self.finished.cancelled().await;
        began.elapsed()
    }
}

/// Runs a test in a world of its own.
pub(crate) async fn in_world(test: impl AsyncFnOnce(Arc<World>)) {
    let world = Arc::new(World::new().await);
    let outcome = AssertUnwindSafe(test(world.clone())).catch_unwind().await;
    world.remove().await;
    if let Err(failure) = outcome {
        resume_unwind(failure);
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with `make test`, which starts the servers"))
}

impl World {
    async fn new() -> Self {
        let name = format!("consumer_test_{}", uuid::Uuid::new_v4().simple());
        let mut database = Url::parse(&variable("DATABASE_URL")).unwrap();
        database.set_path(&name);
        let environment = [
            ("DATABASE_URL", database.as_str()),
            ("REDIS_URL", &variable("REDIS_URL")),
            ("AMQP_URL", &variable("AMQP_URL")),
            ("ELASTICSEARCH_URL", &variable("ELASTICSEARCH_URL")),
            ("CHAT__REDIS__KEY_PREFIX", &name),
            ("CHAT__AMQP__PREFIX", &format!("{name}.")),
            ("CHAT__AMQP__PARTITIONS", "2"),
            // The shared broker is never killed, so its queues need not rest.
            ("CHAT__AMQP__SETTLE_MS", "0"),
            ("CHAT__ELASTICSEARCH__INDEX", &name.replace('_', "-")),
            ("CHAT__ELASTICSEARCH__REFRESH_MS", "100"),
            ("CHAT__HTTP__ADDRESS", "127.0.0.1"),
            ("CHAT__HTTP__PORT", "0"),
            ("CHAT__HTTP__WORKERS", "1"),
            ("LOG_LEVEL", "warn"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let config: Config = config::load_from(environment.clone(), Some(0)).unwrap();
        store::migrate(&config.mysql).await.unwrap();
        let store = Store::connect(&config.mysql).unwrap();
        application(&store).await;
        Self {
            tables: Tables::new(&config.mysql.url),
            queues: Queues::connect(&variable("AMQP_URL"), config.amqp.topology()).await,
            store,
            sequencer: Sequencer::connect(&config.redis).unwrap(),
            search: SearchIndex::connect(&config.elasticsearch).unwrap(),
            end: CancellationToken::new(),
            running: Mutex::default(),
            name,
            environment: environment.into(),
            config,
        }
    }

    /// Starts a consumer with the world's configuration; returns when the queues are there.
    pub(crate) async fn consumer(&self) -> Consumer {
        self.consumer_with(self.config.clone()).await
    }

    pub(crate) async fn consumer_with(&self, config: Config) -> Consumer {
        let telemetry = telemetry::init(&config.log, "consumer").unwrap();
        let port = http::bind(&config.http).await.unwrap();
        let shutdown = self.end.child_token();
        let running = consumer::start(config, port, telemetry, shutdown.clone()).await.unwrap();
        let (address, finished) = (running.address(), CancellationToken::new());
        let done = finished.clone();
        self.running.lock().unwrap().push(tokio::spawn(async move {
            running.finished().await.unwrap();
            done.cancel();
        }));
        Consumer { address, shutdown, finished }
    }

    /// The configuration with a way to MySQL that can be cut.
    pub(crate) async fn cuttable_mysql(&self) -> (Config, Forwarder) {
        let mut config = self.config.clone();
        let forwarder = divert(&mut config.mysql.url, true).await;
        (config, forwarder)
    }

    /// The configuration with a way to Elasticsearch that is cut for now.
    pub(crate) async fn cut_search(&self) -> (Config, Forwarder) {
        let mut config = self.config.clone();
        let forwarder = divert(&mut config.elasticsearch.url, false).await;
        (config, forwarder)
    }

    /// The configuration with a way to RabbitMQ that can be cut.
    pub(crate) async fn cuttable_broker(&self) -> (Config, Forwarder) {
        let mut config = self.config.clone();
        let mut url = variable("AMQP_URL");
        let forwarder = divert(&mut url, true).await;
        config.amqp.url = url.parse().unwrap();
        (config, forwarder)
    }

    /// Waits until it is so.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl AsyncFnMut(&World) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self).await {
            assert!(Instant::now() < deadline, "not in time: {what}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Waits until so many rows and dead letters are there.
    pub(crate) async fn until_stored(&self, chats: u64, messages: u64, dead: usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = (self.tables.chats().await, self.tables.messages().await, self.tables.dead().await.len());
            if found == (chats, messages, dead) {
                return;
            }
            assert!(Instant::now() < deadline, "{found:?} instead of {:?}", (chats, messages, dead));
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    async fn remove(&self) {
        self.end.cancel();
        let running = std::mem::take(&mut *self.running.lock().unwrap());
        for consumer in running {
            consumer.await.unwrap();
        }
        self.tables.run(&format!("DROP DATABASE {}", self.name)).await;
        self.queues.delete_all().await;
        let index = format!("{}/{}-v1", variable("ELASTICSEARCH_URL"), self.config.elasticsearch.index);
        reqwest::Client::builder().no_proxy().build().unwrap().delete(index).send().await.unwrap();
        self.sequencer.remove_epochs_below(Epoch::new(u64::MAX)).await.unwrap();
        let redis = redis::Client::open(self.config.redis.url.as_str()).unwrap();
        let mut redis = redis.get_multiplexed_async_connection().await.unwrap();
        let _: u32 = redis::cmd("DEL").arg(format!("{}record", self.name)).query_async(&mut redis).await.unwrap();
    }
}

/// Makes an application. The first one of a database, which every world has, is number 1.
pub(crate) async fn application(store: &Store) -> (ApplicationToken, u64) {
    let mut connection = store.acquire().await.unwrap();
    let (token, name) = (ApplicationToken::generate().unwrap(), ApplicationName::new("test").unwrap());
    let made = applications::create(&mut connection, token, &name, Timestamp::now()).await.unwrap();
    (token, made.id.get())
}

/// Has a URL lead through a forwarder.
async fn divert(url: &mut String, open: bool) -> Forwarder {
    let mut parsed = Url::parse(url).unwrap();
    let target = format!("{}:{}", parsed.host_str().unwrap(), parsed.port().unwrap());
    let forwarder = Forwarder::to(target, open).await;
    parsed.set_host(Some("127.0.0.1")).unwrap();
    parsed.set_port(Some(forwarder.port)).unwrap();
    *url = parsed.into();
    forwarder
}
