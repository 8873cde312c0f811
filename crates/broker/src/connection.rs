//! One connection, kept up: made with a deadline, watched, and made anew with backoff when it is lost.
//!
//! Its users see a [`Link`] and never wait for the broker behind anyone else's back. lapin's own recovery stays off: it would
//! hide from publishers which confirms are lost and from consumers which deliveries are stale.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backoff::{Backoff, Bounds};
use events::Topology;
use futures_util::StreamExt;
use lapin::{Connection, ConnectionProperties};
use metrics::{Counter, Gauge};
use tokio::{
    sync::watch,
    time::{interval, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    AmqpUrl, Error, Settings, secure,
    session::{Down, Link, Session},
    topology,
};

/// The waits between two attempts at what the broker has refused or taken away: with their jitter some 50 ms at first, 2 s at
/// most.
pub(crate) const WAITS: Bounds = Bounds { min: Duration::from_millis(35), max: Duration::from_millis(1_300) };
/// lapin tells of a lost connection by an event; looking now and then as well costs nothing and depends on nothing.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// How long a service's start waits for the broker, to learn whether its queues are those configured.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(5);
/// A connection that is not needed any more may take this long to say goodbye.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);
/// While the broker is away, it is said this often.
const REMINDER_INTERVAL: Duration = Duration::from_secs(30);

/// Starts keeping a connection up on the current runtime, until `close` is cancelled. `name` is shown in the management UI and in
/// metrics.
pub(crate) fn supervise(name: &'static str, settings: &Settings, close: CancellationToken) -> watch::Receiver<Link> {
    let (link, users) = watch::channel(Link::Down(Down::now()));
    let supervisor = Supervisor {
        name,
        url: settings.url.clone(),
        trust: settings.tls.clone(),
        topology: settings.topology(),
        limit: settings.connect_timeout(),
        settling_time: settings.settling_time(),
        meters: Meters::new(name),
        link,
        close,
    };
    tokio::spawn(supervisor.run());
    users
}

/// Waits until the connection is up or refused, for `within` at most.
pub(crate) async fn connected(mut link: watch::Receiver<Link>, within: Duration) -> Result<(), Error> {
    let _ = timeout(within, link.wait_for(|link| !matches!(link, Link::Down(_)))).await;
    // Also of one that is still down: it may know why.
    link.borrow().session().map(drop)
}

/// What a service's start makes of [`connected`]: the broker may be down for now, but must not hold other queues than those
/// configured.
pub(crate) fn or_down(connected: Result<(), Error>) -> Result<(), Error> {
    match connected {
        Err(error @ Error::WrongTopology(_)) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "starting without the broker");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Waits until the connection is closed for good, for `within` at most.
pub(crate) async fn closed(mut link: watch::Receiver<Link>, within: Duration) {
    let _ = timeout(within, link.wait_for(|link| matches!(link, Link::Closed))).await;
}

/// Makes one connection, within `limit`. `name` is shown in the management UI.
pub(crate) async fn open(name: &str, url: &AmqpUrl, trust: &tls::Trust, limit: Duration) -> Result<Connection, Error> {
    let properties = ConnectionProperties::default().with_connection_name(format!("chat {name}").into());
    let deadline = tokio::time::Instant::now() + limit;
    if url.is_secure() {
        return secure::connect(url.uri(), properties, trust, deadline).await;
    }
    let connected = timeout_at(deadline, Connection::connect_uri(url.uri(), properties)).await;
    connected.map_err(|_| Error::TimedOut("connect"))?.map_err(Error::amqp("connect"))
}

struct Supervisor {
    name: &'static str,
    url: AmqpUrl,
    trust: tls::Trust,
    topology: Topology,
    limit: Duration,
    settling_time: Duration,
    meters: Meters,
    link: watch::Sender<Link>,
    close: CancellationToken,
}

/// Made with the supervisor, so that a connection that never comes up is seen to be down.
struct Meters {
    up: Gauge,
    blocked: Gauge,
    connects: Counter,
}

impl Meters {
    fn new(name: &'static str) -> Self {
        Self {
            up: metrics::gauge!("chat_broker_up", "connection" => name),
            blocked: metrics::gauge!("chat_broker_blocked", "connection" => name),
            connects: metrics::counter!("chat_broker_connects_total", "connection" => name),
        }
    }
}

impl Supervisor {
    async fn run(self) {
        let mut backoff = Backoff::new(WAITS);
        let mut outage = Outage::default();
        loop {
            match self.close.run_until_cancelled(self.connect()).await {
                None => break,
                Some(Ok(session)) => {
                    outage.over(self.name);
                    let since = Instant::now();
                    self.watch(Arc::new(session)).await;
                    backoff.held_for(since.elapsed());
                }
                Some(Err(error)) => {
                    outage.goes_on(self.name, &error);
                    self.tell(error);
                }
            }
            if self.close.run_until_cancelled(backoff.wait()).await.is_none() {
                break;
            }
        }
        self.link.send_replace(Link::Closed);
    }

    /// Lets the users know what an operator must mend.
    fn tell(&self, error: Error) {
        match error {
            Error::WrongTopology(sentence) => {
                self.link.send_replace(Link::Refused(sentence.into()));
            }
            error => {
                let verdict = if let Error::Tls(verdict) = error { Some(verdict) } else { None };
                self.link.send_modify(|link| {
                    if let Link::Down(down) = link {
                        down.untrusted = verdict;
                    }
                });
            }
        }
    }

    /// Connects and declares, each with the configured deadline; new queues rest besides.
    async fn connect(&self) -> Result<Session, Error> {
        let connection = open(self.name, &self.url, &self.trust, self.limit).await?;
        let session = Session { connection, over: CancellationToken::new() };
        let declared = timeout(self.limit + self.settling_time, topology::declare(&session, &self.topology, self.settling_time));
        declared.await.map_err(|_| Error::TimedOut("declare the topology"))??;
        Ok(session)
    }

    /// Shows the session to the users and returns when it is over.
    async fn watch(&self, session: Arc<Session>) {
        let mut events = std::pin::pin!(session.connection.events_listener());
        let mut look = interval(LOOK_INTERVAL);
        let mut blocked = false;
        self.meters.connects.increment(1);
        self.meters.up.set(1.0);
        self.link.send_replace(Link::Up(session.clone()));
        while session.connection.status().connected() {
            if session.is_blocked() != blocked {
                blocked = !blocked;
                self.meters.blocked.set(u8::from(blocked));
                tracing::warn!(connection = self.name, blocked, "broker tells publishers to pause or go on");
                self.link.send_modify(|_| ());
            }
            tokio::select! {
                () = self.close.cancelled() => break,
                () = session.over.cancelled() => break,
                _ = events.next() => (),
                _ = look.tick() => (),
            }
        }
        self.meters.up.set(0.0);
        self.meters.blocked.set(0.0);
        session.over.cancel();
        self.link.send_replace(Link::Down(Down::now()));
        // Of a connection that is lost this fails at once; of one that hangs it must not keep the next from being made.
        let goodbye = tokio::spawn(async move { timeout(GOODBYE_LIMIT, session.connection.close(200, "goodbye".into())).await });
        if self.close.is_cancelled() {
            let _ = goodbye.await;
        }
    }
}

/// Says once that the broker is away, now and then that it still is, and how long it was.
#[derive(Default)]
struct Outage {
    since: Option<Instant>,
    said: Option<Instant>,
}

impl Outage {
    fn goes_on(&mut self, connection: &'static str, error: &Error) {
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.said.is_some_and(|said| said.elapsed() < REMINDER_INTERVAL) {
            return;
        }
        self.said = Some(Instant::now());
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        tracing::warn!(connection, %error, cause, seconds = since.elapsed().as_secs(), "no connection to the broker");
    }

    fn over(&mut self, connection: &'static str) {
        let seconds = self.since.map_or(0.0, |since| since.elapsed().as_secs_f64());
        tracing::info!(connection, seconds, "connected to the broker");
        *self = Self::default();
    }
}
