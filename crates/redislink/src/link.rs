//! The handle of the callers.

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use deadpool_redis::redis::aio::MultiplexedConnection;
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};

use crate::{Failure, Greeting, Primary, task::Task};

/// What a link is told beside its greeting.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What the connection is for, in logs.
    pub purpose: &'static str,
    /// The gauge that is 1 while there is a connection, else 0.
    pub gauge: &'static str,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long the other end may take to answer the greeting.
    pub greeting_timeout: Duration,
}

/// The way to the connection. Dropping it ends the task and closes the connection.
pub struct Link<G: Greeting> {
    shared: Arc<Shared<G>>,
    task: AbortHandle,
}

pub(crate) struct Shared<G: Greeting> {
    pub(crate) state: watch::Sender<State<G>>,
    pub(crate) renew: Notify,
}

pub(crate) enum State<G: Greeting> {
    Connecting,
    Up(Lent<G::Peer>),
    /// The last attempt failed. The next ones are under way, but need not be waited for.
    Down(G::Outage),
}

/// A connection, and what is known of its other end. Clones share it.
pub struct Lent<P>(Arc<(MultiplexedConnection, P)>);

impl<P> Lent<P> {
    pub(crate) fn new(connection: MultiplexedConnection, peer: P) -> Self {
        Self(Arc::new((connection, peer)))
    }

    /// A handle to send commands with. Nothing but the caller's deadline bounds their answers.
    pub fn connection(&self) -> MultiplexedConnection {
        self.0.0.clone()
    }
}

impl<P> Deref for Lent<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.0.1
    }
}

impl<P> Clone for Lent<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: fmt::Debug> fmt::Debug for Lent<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lent").field(&self.0.1).finish_non_exhaustive()
    }
}

impl<G: Greeting> Link<G> {
    /// Begins to connect, on the current tokio runtime. Redis need not be up.
    pub fn start(primary: Primary, greeting: G, settings: Settings) -> Self {
        let shared = Arc::new(Shared { state: watch::Sender::new(State::Connecting), renew: Notify::new() });
        let task = Task { shared: shared.clone(), primary: primary.speaking_resp3(), greeting, settings };
        Self { shared, task: tokio::spawn(task.run()).abort_handle() }
    }

    /// The connection, if there is one now.
    pub fn now(&self) -> Option<Lent<G::Peer>> {
        match &*self.shared.state.borrow() {
            State::Up(lent) => Some(lent.clone()),
            State::Connecting | State::Down(_) => None,
        }
    }

    /// The connection; waits while an attempt to make one is under way. The caller sets the deadline.
    ///
    /// # Errors
    /// Why the last attempt failed.
    pub async fn lent(&self) -> Result<Lent<G::Peer>, G::Outage> {
        if let Some(lent) = self.now() {
            return Ok(lent);
        }
        let mut state = self.shared.state.subscribe();
        let settled = state.wait_for(|state| !matches!(state, State::Connecting)).await;
        match settled.as_deref() {
            Ok(State::Up(lent)) => Ok(lent.clone()),
            Ok(State::Down(outage)) => Err(outage.clone()),
            Ok(State::Connecting) | Err(_) => Err(Failure::TimedOut.into()),
        }
    }

    /// Gives up whatever connection there is and makes another at once. Calls that are under way on the old one may end there.
    pub fn renew(&self) {
        self.shared.state.send_replace(State::Connecting);
        self.shared.renew.notify_one();
    }

    /// Gives up this connection, on which something went wrong, unless another has taken its place. Whether it did.
    pub fn give_up(&self, failed: &Lent<G::Peer>) -> bool {
        let given_up = self.shared.state.send_if_modified(|state| {
            let current = matches!(state, State::Up(lent) if Arc::ptr_eq(&lent.0, &failed.0));
            if current {
                *state = State::Connecting;
            }
            current
        });
        if given_up {
            self.shared.renew.notify_one();
        }
        given_up
    }
}

impl<G: Greeting> Drop for Link<G> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
