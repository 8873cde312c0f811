//! What the callers' handle and the task behind it share: the connection that is lent, or why there is none. It does nothing by
//! itself.

use std::{fmt, ops::Deref, sync::Arc};

use deadpool_redis::redis::aio::MultiplexedConnection;
use tokio::sync::{Notify, watch};

use crate::Greeting;

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

    /// Whether both are the same connection.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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
