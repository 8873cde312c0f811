//! The one connection that all calls share, kept open by a task that knows which server process is at its other end.
//!
//! While Redis is away a read learns so at once. It must never lend a connection whose other end it does not know, nor one to a
//! replica: what a replica holds may be old.

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

use crate::Outage;

/// Making a connection, and the question who is there, may take this long each. Short: meanwhile reads go to the source, and a
/// longer wait would not serve the updates, whose own deadline ends first.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// This often the server is asked who it is: a dead connection looks like an idle one from here, and reads wait for it.
const HEARTBEAT: Duration = Duration::from_secs(1);
const BACKOFF_MIN: Duration = Duration::from_millis(20);
const BACKOFF_MAX: Duration = Duration::from_millis(500);
/// A connection that lasted this long was a good one: the next attempt need not hold back.
const STEADY: Duration = Duration::from_secs(1);
/// Commands that wait to be written; more callers than that wait for their turn.
const WRITE_QUEUE: usize = 1024;
/// Of the run id's 40 digits; these 64 bits tell processes apart.
const RUN_ID_DIGITS: usize = 16;

#[derive(Clone)]
enum State {
    Connecting,
    Up(Peer),
    /// The last attempt failed. The next ones are under way, but need not be waited for.
    Down(Outage),
}

/// A connection and the process at its other end, which it cannot outlive.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) run_id: Arc<str>,
}

pub(crate) struct Link {
    state: Arc<watch::Sender<State>>,
    task: AbortHandle,
}

impl Link {
    /// Begins to connect, on the current runtime.
    pub(crate) fn start(client: &Client) -> Result<Self, RedisError> {
        let state = Arc::new(watch::Sender::new(State::Connecting));
        let task = Task { state: state.clone(), client: speaking_resp3(client)? };
        Ok(Self { state, task: tokio::spawn(task.run()).abort_handle() })
    }

    /// The connection, if there is one now.
    pub(crate) fn peer_now(&self) -> Option<Peer> {
        match &*self.state.borrow() {
            State::Up(peer) => Some(peer.clone()),
            State::Connecting | State::Down(_) => None,
        }
    }

    /// The connection; waits while an attempt to make one is under way. The caller sets the deadline.
    pub(crate) async fn peer(&self) -> Result<Peer, Outage> {
        let mut state = self.state.subscribe();
        let settled = state.wait_for(|state| !matches!(state, State::Connecting)).await;
        match settled.as_deref() {
            Ok(State::Up(peer)) => Ok(peer.clone()),
            Ok(State::Down(outage)) => Err(outage.clone()),
            Ok(State::Connecting) | Err(_) => Err(Outage::TimedOut),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// With RESP3 the client library reports the end of a connection when it happens, not when the next command fails.
fn speaking_resp3(client: &Client) -> Result<Client, RedisError> {
    let info = client.get_connection_info().clone();
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Client::open(info.set_redis_settings(redis).into_connection_info()?)
}

struct Task {
    state: Arc<watch::Sender<State>>,
    client: Client,
}

impl Task {
    async fn run(self) {
        let connected = metrics::gauge!("chat_cache_connected");
        let mut backoff = BACKOFF_MIN;
        let mut reported = false;
        loop {
            let lost = Arc::new(Notify::new());
            match self.connect(lost.clone()).await {
                Ok(peer) => {
                    tracing::info!("connected to the cache");
                    connected.set(1);
                    reported = false;
                    let since = Instant::now();
                    let why = self.hold(peer, &lost).await;
                    connected.set(0);
                    tracing::warn!(why, "connection to the cache given up");
                    if since.elapsed() >= STEADY {
                        backoff = BACKOFF_MIN;
                    }
                }
                Err(outage) => {
                    if !reported {
                        tracing::warn!(%outage, "the cache cannot be used; trying again until it can");
                    }
                    reported = true;
                    connected.set(0);
                    self.state.send_replace(State::Down(outage));
                }
            }
            sleep(backoff.mul_f64(rand::random_range(0.5..1.5))).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn connect(&self, lost: Arc<Notify>) -> Result<Peer, Outage> {
        // A call's own deadline bounds its answer, so none is set here.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_WITHIN))
            .set_response_timeout(None)
            .set_pipeline_buffer_size(WRITE_QUEUE)
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    lost.notify_one();
                }
                Ok::<(), ()>(())
            });
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let run_id = ask_run_id(&mut connection).await?.into();
        Ok(Peer { connection, run_id })
    }

    /// Lends the connection to the callers until it is lost, or its other end does not answer or is another. Says why it ended.
    async fn hold(&self, peer: Peer, lost: &Notify) -> &'static str {
        self.state.send_replace(State::Up(peer.clone()));
        let why = tokio::select! {
            () = lost.notified() => "it was closed",
            why = changed(peer) => why,
        };
        self.state.send_replace(State::Connecting);
        why
    }
}

/// Returns when the server leaves a question unanswered, or answers as another.
async fn changed(mut peer: Peer) -> &'static str {
    loop {
        sleep(HEARTBEAT).await;
        match ask_run_id(&mut peer.connection).await {
            Ok(run_id) if *run_id == *peer.run_id => {}
            Ok(_) | Err(Outage::Replica) => return "the server has changed its role",
            Err(_) => return "the server does not answer",
        }
    }
}

async fn ask_run_id(connection: &mut MultiplexedConnection) -> Result<String, Outage> {
    let mut info = cmd("INFO");
    info.arg("server").arg("replication");
    let told = timeout(ANSWER_WITHIN, info.query_async::<String>(connection)).await;
    run_id(&told.map_err(|_| Outage::TimedOut)??)
}

/// The beginning of a primary's run id.
///
/// Not its replication id: that changes when a replica comes, and while some replicas of the service had noticed and others not,
/// they would use different names.
fn run_id(info: &str) -> Result<String, Outage> {
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim_end);
    if field("role") != Some("master") {
        return Err(Outage::Replica);
    }
    let id =
        field("run_id").and_then(|id| id.get(..RUN_ID_DIGITS)).filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    id.map(str::to_owned).ok_or(Outage::Nameless)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_is_known_by_its_process_and_a_replica_is_not_used() {
        let told = |role: &str, id: &str| run_id(&format!("# Server\r\nrun_id:{id}\r\n# Replication\r\nrole:{role}\r\n"));
        assert_eq!(told("master", &"0a1b".repeat(10)).unwrap(), "0a1b0a1b0a1b0a1b");
        assert!(matches!(told("slave", &"0a1b".repeat(10)), Err(Outage::Replica)));
        assert!(matches!(told("master", "0a1b"), Err(Outage::Nameless)));
        assert!(matches!(told("master", &"{}".repeat(20)), Err(Outage::Nameless)));
    }
}
