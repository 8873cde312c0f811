//! The one connection to Redis that all requests share, kept open by a task.
//!
//! While Redis is away a request learns so at once, and when Redis is back the link is too, whether anybody asks or not. It must
//! never make a request wait for a connection.

use std::{sync::Arc, time::Duration};

use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo as _, ProtocolVersion, PushInfo, PushKind, RedisError,
    aio::MultiplexedConnection, cmd,
};
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};

use crate::{Error, Redis};

const BACKOFF_MIN: Duration = Duration::from_millis(20);
const BACKOFF_MAX: Duration = Duration::from_millis(500);
/// A connection that lasted this long was a good one: the next attempt need not hold back.
const STEADY: Duration = Duration::from_secs(1);
/// Commands that wait to be written; more callers than that wait for their turn, each until its deadline.
const WRITE_QUEUE: usize = 1024;

/// A connection, and the name of the script that was loaded on it.
pub(crate) struct Ready {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) script: String,
}

/// Redis cannot count now.
#[derive(Debug)]
pub(crate) struct Unavailable;

/// `None` before the first attempt has ended; then what came of the last one.
type State = Option<Result<Arc<Ready>, ()>>;

pub(crate) struct Link {
    state: watch::Sender<State>,
    task: AbortHandle,
}

impl Link {
    /// Begins to connect, on the current tokio runtime. Every new connection loads the script.
    pub(crate) fn start(redis: Redis<'_>, script: String) -> Result<Self, Error> {
        let state = watch::Sender::new(None);
        let task = Task { state: state.clone(), client: client(redis.url)?, connect_timeout: redis.connect_timeout, script };
        Ok(Self { state, task: tokio::spawn(task.run()).abort_handle() })
    }

    /// Waits until the first attempt to connect has ended, well or badly. It is bounded by the connect timeout.
    pub(crate) async fn attempted(&self) {
        // The sender lives as long as this.
        let _ = self.state.subscribe().wait_for(Option::is_some).await;
    }

    /// The connection, if there is one.
    pub(crate) fn ready(&self) -> Result<Arc<Ready>, Unavailable> {
        match &*self.state.borrow() {
            Some(Ok(ready)) => Ok(ready.clone()),
            _ => Err(Unavailable),
        }
    }

    /// Gives a connection up on which something went wrong, unless another has taken its place.
    pub(crate) fn give_up(&self, failed: &Arc<Ready>, error: Option<RedisError>) -> Unavailable {
        let given_up = self.state.send_if_modified(|state| {
            let current = matches!(state, Some(Ok(ready)) if Arc::ptr_eq(ready, failed));
            if current {
                *state = Some(Err(()));
            }
            current
        });
        if given_up {
            // Of the error only its kind: its text may hold a key, and that a client's address.
            let kind = error.map(|error| error.category().to_owned());
            tracing::warn!(why = kind.as_deref().unwrap_or("no answer in time"), "connection for rate limits given up");
        }
        Unavailable
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// With RESP3 the client library reports the end of a connection when it happens, not when the next command fails.
fn client(url: &str) -> Result<Client, Error> {
    // The parser's own words could repeat the URL.
    let invalid =
        |_: RedisError| Error::InvalidSettings("redis.url is not of the form redis://[user:password@]host[:port][/database]");
    let info = Client::open(url).map_err(invalid)?.get_connection_info().clone();
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    info.set_redis_settings(redis).into_connection_info().and_then(Client::open).map_err(invalid)
}

struct Task {
    state: watch::Sender<State>,
    client: Client,
    connect_timeout: Duration,
    script: String,
}

impl Task {
    async fn run(self) {
        let mut backoff = BACKOFF_MIN;
        loop {
            let lost = Arc::new(Notify::new());
            match timeout(self.connect_timeout, self.connect(lost.clone())).await {
                Ok(Ok(ready)) => {
                    let since = Instant::now();
                    self.hold(ready, &lost).await;
                    if since.elapsed() >= STEADY {
                        backoff = BACKOFF_MIN;
                    }
                }
                Ok(Err(_)) | Err(_) => {
                    if self.state.borrow().is_none() {
                        tracing::warn!("Redis cannot be used for rate limits; trying again until it can");
                    }
                    self.state.send_replace(Some(Err(())));
                }
            }
            sleep(backoff.mul_f64(rand::random_range(0.5..1.5))).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn connect(&self, lost: Arc<Notify>) -> Result<Ready, RedisError> {
        // A call's own deadline bounds its answer, so none is set here.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(None)
            .set_pipeline_buffer_size(WRITE_QUEUE)
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    lost.notify_one();
                }
                Ok::<(), ()>(())
            });
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let script = cmd("SCRIPT").arg("LOAD").arg(&self.script).query_async(&mut connection).await?;
        Ok(Ready { connection, script })
    }

    /// Lends the connection to the requests until it is lost or given up.
    async fn hold(&self, ready: Ready, lost: &Notify) {
        tracing::info!("connected to Redis for rate limits");
        let mut state = self.state.subscribe();
        self.state.send_replace(Some(Ok(Arc::new(ready))));
        tokio::select! {
            () = lost.notified() => tracing::warn!(why = "it was closed", "connection for rate limits given up"),
            _ = state.wait_for(|state| !matches!(state, Some(Ok(_)))) => {}
        }
        self.state.send_replace(Some(Err(())));
    }
}
