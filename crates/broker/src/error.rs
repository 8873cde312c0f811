//! What can go wrong. A publish and a fence have errors of their own, because their callers act on each case; for everything
//! else there is [`Error`].

/// A failure to do something at the broker.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is no connection at the moment; one is being made.
    #[error("there is no connection to the broker")]
    Unavailable,
    /// The URL asks for TLS, and there is none, or the server is not who it should be.
    #[error("the broker cannot be reached over TLS: {0}")]
    Tls(tls::Error),
    /// The broker is short of memory or disk and accepts nothing.
    #[error("the broker blocks publishers: it is short of memory or disk")]
    Blocked,
    /// The broker holds another topology than this service is configured for. A sentence for the operator.
    #[error("{0}")]
    WrongTopology(String),
    /// The queues are in use, so that their number cannot be changed. A sentence for the operator.
    #[error("{0}")]
    Busy(String),
    /// No answer came in time; what was asked for may or may not have happened.
    #[error("the broker did not answer in time to {0}")]
    TimedOut(&'static str),
    /// The broker or the connection refused.
    #[error("the broker could not {action}")]
    Amqp {
        /// What was asked for.
        action: &'static str,
        /// What came back.
        #[source]
        source: lapin::Error,
    },
    /// A message was published but not stored.
    #[error("the broker did not store a message for {0}")]
    NotStored(&'static str),
}

impl Error {
    /// For `map_err`: names the action that failed.
    pub(crate) fn amqp(action: &'static str) -> impl FnOnce(lapin::Error) -> Self {
        move |source| Self::Amqp { action, source }
    }
}

/// Why an item was not, or may not have been, accepted by the broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// As many items wait as may; surely not sent.
    #[error("too many items wait to be published")]
    QueueFull,
    /// The broker is down, blocks publishers, or this publisher is shutting down; surely not stored.
    #[error("the broker is not available")]
    Unavailable,
    /// No queue is bound to the epoch's routing key; surely not stored.
    #[error("the broker returned the message: its epoch is not bound")]
    Returned,
    /// Sent, but no confirm came: it may or may not be stored.
    #[error("the broker did not confirm the message")]
    Unconfirmed,
    /// The deadline passed while the item waited; surely not sent.
    #[error("the deadline passed before the message could be sent")]
    Expired,
    /// The broker holds another topology; surely not sent. A sentence for the operator.
    #[error("{0}")]
    WrongTopology(String),
}

impl PublishError {
    /// Every case's word.
    pub const WORDS: [&'static str; 6] = ["queue_full", "unavailable", "returned", "unconfirmed", "expired", "wrong_topology"];

    /// A stable word for the case, for metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Unavailable => "unavailable",
            Self::Returned => "returned",
            Self::Unconfirmed => "unconfirmed",
            Self::Expired => "expired",
            Self::WrongTopology(_) => "wrong_topology",
        }
    }
}

/// Why nothing is known about what stood before a fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FenceError {
    /// No queue is bound to the epoch's routing key.
    #[error("the broker returned the fence: its epoch is not bound")]
    Returned,
    /// No consumer answered before the deadline.
    #[error("no consumer answered the fence in time")]
    Unanswered,
    /// The broker is down or blocks publishers.
    #[error("the broker is not available")]
    Unavailable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_its_word() {
        use PublishError::{Expired, QueueFull, Returned, Unavailable, Unconfirmed, WrongTopology};
        let all = [QueueFull, Unavailable, Returned, Unconfirmed, Expired, WrongTopology(String::new())];
        assert_eq!(all.map(|error| error.as_str()), PublishError::WORDS);
    }
}
