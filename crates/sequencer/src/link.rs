//! The one connection that all calls share, kept open by a task that knows who is at its other end.
//!
//! While Redis is away a call learns so at once, without a connection attempt of its own, and when Redis is back the link is too,
//! whether anybody calls or not. It must never send a command twice, nor lend a connection whose other end it does not know.

use std::{sync::Arc, time::Duration};

use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo as _, ProtocolVersion, PushInfo, PushKind, aio::MultiplexedConnection, cmd,
};
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};

use crate::{Error, Outage, Settings, server};

/// This often the server is asked who it is: a dead connection looks like an idle one from here, and a primary that was made a
/// replica and then a primary again may have lost data without closing anything. (Within one heartbeat, and without a call in
/// between, that would pass unseen. Sentinel closes the clients' connections when it makes a replica of a primary.)
const HEARTBEAT: Duration = Duration::from_secs(1);
const BACKOFF_MIN: Duration = Duration::from_millis(20);
const BACKOFF_MAX: Duration = Duration::from_millis(500);
/// A connection that lasted this long was a good one: the next attempt need not hold back.
const STEADY: Duration = Duration::from_secs(1);
/// Commands that wait to be written; more callers than that wait for their turn.
const WRITE_QUEUE: usize = 1024;

#[derive(Clone)]
enum State {
    Connecting,
    Up(Peer),
    /// The last attempt failed. The next ones are under way, but need not be waited for.
    Down(Outage),
}

/// A connection and who is at its other end.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) connection: MultiplexedConnection,
    run_id: Arc<str>,
}

impl Peer {
    /// Whether it is the process, and the primary, that goes by this run id.
    pub(crate) fn is(&self, run_id: &str) -> bool {
        &*self.run_id == run_id
    }
}

pub(crate) struct Link {
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    state: watch::Sender<State>,
    renew: Notify,
}

impl Link {
    /// Begins to connect, on the current runtime.
    pub(crate) fn start(client: &Client, settings: &Settings) -> Result<Self, Error> {
        let shared = Arc::new(Shared { state: watch::Sender::new(State::Connecting), renew: Notify::new() });
        let task = Task {
            shared: shared.clone(),
            client: speaking_resp3(client)?,
            connect_timeout: settings.connect_timeout(),
            response_timeout: settings.response_timeout(),
        };
        Ok(Self { shared, task: tokio::spawn(task.run()).abort_handle() })
    }

    /// The connection; waits while an attempt to make one is under way. The caller sets the deadline.
    pub(crate) async fn peer(&self) -> Result<Peer, Outage> {
        if let State::Up(peer) = &*self.shared.state.borrow() {
            return Ok(peer.clone());
        }
        let mut state = self.shared.state.subscribe();
        let settled = state.wait_for(|state| !matches!(state, State::Connecting)).await;
        match settled.as_deref() {
            Ok(State::Up(peer)) => Ok(peer.clone()),
            Ok(State::Down(outage)) => Err(outage.clone()),
            Ok(State::Connecting) | Err(_) => Err(Outage::TimedOut),
        }
    }

    /// Gives the connection up and makes another at once. Calls that are under way on the old one may end there.
    pub(crate) fn renew(&self) {
        self.shared.state.send_replace(State::Connecting);
        self.shared.renew.notify_one();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// With RESP3 the client library reports the end of a connection when it happens, not when the next command fails.
fn speaking_resp3(client: &Client) -> Result<Client, Error> {
    let info = client.get_connection_info().clone();
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(Client::open(info.set_redis_settings(redis).into_connection_info()?)?)
}

struct Task {
    shared: Arc<Shared>,
    client: Client,
    connect_timeout: Duration,
    response_timeout: Duration,
}

impl Task {
    async fn run(self) {
        let mut backoff = BACKOFF_MIN;
        let mut reported = false;
        loop {
            let lost = Arc::new(Notify::new());
            match self.connect(lost.clone()).await {
                Ok(peer) => {
                    tracing::info!("connected to Redis");
                    reported = false;
                    let since = Instant::now();
                    self.hold(peer, &lost).await;
                    if since.elapsed() >= STEADY {
                        backoff = BACKOFF_MIN;
                    }
                }
                Err(outage) => {
                    if !reported {
                        tracing::warn!(%outage, "Redis cannot be used; trying again until it can");
                    }
                    reported = true;
                    metrics::gauge!("chat_redis_connected").set(0);
                    self.shared.state.send_replace(State::Down(outage));
                }
            }
            tokio::select! {
                () = sleep(backoff.mul_f64(rand::random_range(0.5..1.5))) => backoff = (backoff * 2).min(BACKOFF_MAX),
                () = self.shared.renew.notified() => {}
            }
        }
    }

    async fn connect(&self, lost: Arc<Notify>) -> Result<Peer, Outage> {
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
        let mut connection =
            self.client.get_multiplexed_async_connection_with_config(&config).await.map_err(Outage::Connection)?;
        let run_id = self.ask_run_id(&mut connection).await?.into();
        Ok(Peer { connection, run_id })
    }

    async fn ask_run_id(&self, connection: &mut MultiplexedConnection) -> Result<String, Outage> {
        let info = timeout(self.response_timeout, cmd("INFO").query_async::<String>(connection)).await;
        server::run_id(&info.map_err(|_| Outage::TimedOut)?.map_err(Outage::Connection)?)
    }

    /// Lends the connection to the callers until it is lost, its other end does not answer or is another, or it is to be renewed.
    async fn hold(&self, peer: Peer, lost: &Notify) {
        self.shared.state.send_replace(State::Up(peer.clone()));
        metrics::gauge!("chat_redis_connected").set(1);
        let why = tokio::select! {
            () = lost.notified() => "it was closed",
            why = self.changed(peer) => why,
            () = self.shared.renew.notified() => "it leads to another server than was adopted",
        };
        metrics::gauge!("chat_redis_connected").set(0);
        tracing::warn!(why, "connection to Redis given up");
        self.shared.state.send_replace(State::Connecting);
    }

    /// Returns when the server leaves a question unanswered, or answers as another.
    async fn changed(&self, mut peer: Peer) -> &'static str {
        loop {
            sleep(HEARTBEAT).await;
            match self.ask_run_id(&mut peer.connection).await {
                Ok(run_id) if peer.is(&run_id) => {}
                Ok(_) | Err(Outage::Replica) => return "the server has changed its role",
                Err(_) => return "the server does not answer",
            }
        }
    }
}
