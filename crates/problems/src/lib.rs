//! What failed beneath, as the HTTP error that clients are told: the one place where the store's and the numbering's errors
//! become HTTP, for all that answers requests. It stands above both, as neither knows of HTTP, and `service` of neither. What
//! only one of those that answer meets, that one translates itself.
//!
//! A client must never learn a cause from here: bugs go to the log with theirs, and of a server that failed only the part that it
//! plays is named.

use numbering::Dependency as Missing;
use service::problem::{Dependency, Problem};
use store::ErrorKind;

/// MySQL's failures. A statement that can never work is a bug; all else passes.
pub fn of_store(error: store::Error) -> Problem {
    match error.kind() {
        ErrorKind::Transient => {
            tracing::debug!(%error, "MySQL failed");
            Problem::dependency_unavailable(Dependency::Mysql)
        }
        ErrorKind::Row | ErrorKind::Duplicate | ErrorKind::Fatal => Problem::internal(error),
    }
}

/// The numbering's failures.
pub fn of_numbering(error: numbering::Error) -> Problem {
    match error {
        numbering::Error::UnknownApplication => Problem::application_not_found(),
        numbering::Error::UnknownChat => Problem::chat_not_found(),
        numbering::Error::KeyReused => Problem::idempotency_key_reused(),
        numbering::Error::Limited(verdict) => Problem::rate_limited(verdict.next_s()),
        numbering::Error::Overloaded => Problem::overloaded(),
        numbering::Error::Unavailable(missing) => Problem::dependency_unavailable(match missing {
            Missing::Redis => Dependency::Redis,
            Missing::Rabbitmq => Dependency::Rabbitmq,
            Missing::Mysql => Dependency::Mysql,
            Missing::Consumer => Dependency::Consumer,
        }),
        numbering::Error::Unconfirmed | numbering::Error::TimedOut => Problem::timeout(),
    }
}
