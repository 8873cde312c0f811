//! One connection while it lasts, and what the users of connections see of the present one. Making and watching it is
//! `connection`'s.

use std::{sync::Arc, time::Instant};

use lapin::{Channel, Connection, options::ConfirmSelectOptions};
use tokio_util::sync::CancellationToken;

use crate::Error;

/// What users see of a connection.
#[derive(Clone)]
pub(crate) enum Link {
    /// There is none; one is being made.
    Down(Down),
    /// There is one, and the topology is declared. It is told again when it becomes blocked or unblocked.
    Up(Arc<Session>),
    /// The broker holds another topology: a sentence for the operator.
    Refused(Arc<str>),
    /// Shut down for good.
    Closed,
}

/// What is known while there is no connection.
#[derive(Clone)]
pub(crate) struct Down {
    /// Since when.
    pub(crate) since: Instant,
    /// What TLS said of the last attempt: that is for the operator to mend.
    pub(crate) untrusted: Option<tls::Error>,
}

impl Down {
    pub(crate) fn now() -> Self {
        Self { since: Instant::now(), untrusted: None }
    }
}

impl Link {
    /// The session, if there is one that takes publishes.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn session(&self) -> Result<Arc<Session>, Error> {
        match self {
            Self::Up(session) if session.is_blocked() => Err(Error::Blocked),
            Self::Up(session) => Ok(session.clone()),
            Self::Refused(sentence) => Err(Error::WrongTopology(sentence.to_string())),
            Self::Down(Down { untrusted: Some(error), .. }) => Err(Error::Tls(error.clone())),
            Self::Down(_) | Self::Closed => Err(Error::Unavailable),
        }
    }
}

/// One connection's life.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    /// Cancelled when the connection is lost, or when a user [gives it up](Session::give_up).
    pub(crate) over: CancellationToken,
}

impl Session {
    /// Opens a channel. The caller sets the deadline.
    pub(crate) async fn channel(&self) -> Result<Channel, Error> {
        self.connection.create_channel().await.map_err(Error::amqp("open a channel"))
    }

    /// Opens a channel whose publishes are confirmed. The caller sets the deadline.
    pub(crate) async fn confirm_channel(&self) -> Result<Channel, Error> {
        let channel = self.channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(Error::amqp("switch on confirms"))?;
        Ok(channel)
    }

    /// Whether the broker has told this connection to publish nothing for now.
    pub(crate) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Whether `other` is the same connection.
    pub(crate) fn is(&self, other: &Arc<Session>) -> bool {
        std::ptr::eq(self, other.as_ref())
    }

    /// Has the connection dropped and a new one made: it answers, but not as it should.
    pub(crate) fn give_up(&self, reason: &'static str) {
        if !self.over.is_cancelled() {
            tracing::warn!(reason, "broker connection given up");
            self.over.cancel();
        }
    }
}
