//! Makes the connection, holds it, and makes it anew.

use std::{error::Error, sync::Arc, time::Duration};

use backoff::{Backoff, Bounds};
use deadpool_redis::redis::{AsyncConnectionConfig, PushInfo, PushKind, aio::MultiplexedConnection};
use metrics::Gauge;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};

use crate::{
    Failure, Greeting, Lent, Primary, Settings,
    shared::{Shared, State},
};

/// This often the other end is greeted again: a dead connection looks like an idle one from here, and a primary that was made a
/// replica and then a primary again may have lost data without closing anything. (Within one heartbeat that would pass unseen.
/// Sentinel closes the clients' connections when it makes a replica of a primary.)
const HEARTBEAT: Duration = Duration::from_secs(1);
/// The waits between two attempts. A connection that lasted for a second was a good one: behind it they are short again.
const WAITS: Bounds = Bounds { min: Duration::from_millis(20), max: Duration::from_millis(500) };
/// Commands that wait to be written; more callers than that wait for their turn.
const WRITE_QUEUE: usize = 1024;

pub(crate) struct Task<G: Greeting> {
    pub(crate) shared: Arc<Shared<G>>,
    pub(crate) primary: Primary,
    pub(crate) greeting: G,
    pub(crate) settings: Settings,
}

impl<G: Greeting> Task<G> {
    pub(crate) async fn run(self) {
        let purpose = self.settings.purpose;
        let gauge = metrics::gauge!(self.settings.gauge);
        let mut backoff = Backoff::new(WAITS);
        let mut reported = false;
        loop {
            let lost = Arc::new(Notify::new());
            match self.connect(lost.clone()).await {
                Ok(lent) => {
                    tracing::info!(purpose, "connected to Redis");
                    reported = false;
                    let since = Instant::now();
                    let why = self.hold(lent, &lost, &gauge).await;
                    tracing::warn!(purpose, why, "connection to Redis given up");
                    backoff.held_for(since.elapsed());
                }
                Err(outage) => {
                    // Said once an outage.
                    if !reported {
                        let outage = &outage as &(dyn Error + 'static);
                        tracing::warn!(purpose, outage, "Redis cannot be used; trying again until it can");
                    }
                    reported = true;
                    gauge.set(0);
                    self.shared.state.send_replace(State::Down(outage));
                }
            }
            tokio::select! {
                () = backoff.wait() => {}
                () = self.shared.renew.notified() => {}
            }
        }
    }

    async fn connect(&self, lost: Arc<Notify>) -> Result<Lent<G::Peer>, G::Outage> {
        // A call's own deadline bounds its answer, so none is set here.
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_pipeline_buffer_size(WRITE_QUEUE)
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    lost.notify_one();
                }
                Ok::<(), ()>(())
            });
        let connection = self.primary.connect(&config, self.settings.connect_timeout, self.settings.greeting_timeout).await?;
        let peer = self.greet(connection.clone()).await?;
        Ok(Lent::new(connection, peer))
    }

    async fn greet(&self, connection: MultiplexedConnection) -> Result<G::Peer, G::Outage> {
        let greeted = timeout(self.settings.greeting_timeout, self.greeting.greet(connection)).await;
        greeted.unwrap_or_else(|_| Err(Failure::TimedOut.into()))
    }

    /// Greets a server that was a primary, if it still is one.
    async fn greet_primary(&self, mut connection: MultiplexedConnection) -> Result<G::Peer, G::Outage> {
        let checked = timeout(self.settings.greeting_timeout, self.primary.check(&mut connection)).await;
        checked.unwrap_or(Err(Failure::TimedOut))?;
        self.greet(connection).await
    }

    /// Lends the connection to the callers until it is lost, its other end does not answer or is another, or it is to be renewed.
    /// Says why it ended.
    async fn hold(&self, lent: Lent<G::Peer>, lost: &Notify, gauge: &Gauge) -> &'static str {
        self.shared.state.send_replace(State::Up(lent.clone()));
        gauge.set(1);
        let why = tokio::select! {
            () = lost.notified() => "it was closed",
            why = self.changed(lent) => why,
            () = self.shared.renew.notified() => "its caller asked for another",
        };
        gauge.set(0);
        self.shared.state.send_replace(State::Connecting);
        why
    }

    /// Returns when the other end leaves a greeting unanswered, or answers as another.
    async fn changed(&self, lent: Lent<G::Peer>) -> &'static str {
        loop {
            sleep(HEARTBEAT).await;
            match self.greet_primary(lent.connection()).await {
                Ok(peer) if peer == *lent => {}
                Ok(_) => return "the server is not what it was",
                Err(_) => return "the server does not answer as it should",
            }
        }
    }
}
