//! Tells clients what went wrong beneath: the one place where the adapters' errors become HTTP.

use domain::{Field, Invalid, Rule};
use numbering::Dependency as Missing;
use service::problem::{Dependency, Problem};
use store::ErrorKind;

/// MySQL's failures. A statement that can never work is a bug; all else passes.
pub(crate) fn of_store(error: store::Error) -> Problem {
    match error.kind() {
        ErrorKind::Transient => {
            tracing::debug!(%error, "MySQL failed");
            Problem::dependency_unavailable(Dependency::Mysql)
        }
        ErrorKind::Row | ErrorKind::Duplicate | ErrorKind::Fatal => Problem::internal(error),
    }
}

/// The numbering's failures.
pub(crate) fn of_numbering(error: numbering::Error) -> Problem {
    match error {
        numbering::Error::UnknownApplication => Problem::application_not_found(),
        numbering::Error::UnknownChat => Problem::chat_not_found(),
        numbering::Error::Overloaded => Problem::overloaded(),
        // Of creates, which are the ingest's.
        numbering::Error::KeyReused => Problem::idempotency_key_reused(),
        numbering::Error::Limited(verdict) => Problem::rate_limited(verdict.next_s()),
        numbering::Error::Unavailable(missing) => Problem::dependency_unavailable(match missing {
            Missing::Redis => Dependency::Redis,
            Missing::Rabbitmq => Dependency::Rabbitmq,
            Missing::Mysql => Dependency::Mysql,
            Missing::Consumer => Dependency::Consumer,
        }),
        numbering::Error::Unconfirmed | numbering::Error::TimedOut => Problem::timeout(),
    }
}

/// 422: a field that must be named is not.
pub(crate) fn required(field: Field) -> Problem {
    Invalid::new(field, Rule::Required).into()
}
