//! The handle of the callers.

use std::sync::Arc;

use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};

use crate::{
    Failure, Greeting, Lent, Primary, Settings,
    shared::{Shared, State},
    task::Task,
};

/// The way to the connection. Dropping it ends the task and closes the connection.
pub struct Link<G: Greeting> {
    shared: Arc<Shared<G>>,
    task: AbortHandle,
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

    /// Gives up whatever connection there is and makes another, after a pause of less than a second at most. Calls that are under
    /// way on the old one may end there.
    pub fn renew(&self) {
        self.shared.state.send_replace(State::Connecting);
        self.shared.renew.notify_one();
    }

    /// Gives up this connection, on which something went wrong, unless another has taken its place. Whether it did.
    pub fn give_up(&self, failed: &Lent<G::Peer>) -> bool {
        let given_up = self.shared.state.send_if_modified(|state| {
            let current = matches!(state, State::Up(lent) if lent.is(failed));
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
