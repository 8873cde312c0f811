//! What went wrong beneath, as HTTP.

use service::problem::{Dependency, Problem};
use store::ErrorKind;

/// MySQL's failures.
pub(crate) fn of_store(error: store::Error) -> Problem {
    match error.kind() {
        ErrorKind::Transient => {
            tracing::debug!(%error, "MySQL failed");
            Problem::dependency_unavailable(Dependency::Mysql)
        }
        ErrorKind::Row | ErrorKind::Duplicate | ErrorKind::Fatal => Problem::internal(error),
    }
}

/// A letter that could not be tried again.
pub(crate) fn of_retry(error: consumer::retry::Error) -> Problem {
    match error {
        consumer::retry::Error::Store(error) => of_store(error),
        consumer::retry::Error::Number(error) => {
            tracing::debug!(%error, "whose a letter's numbers are could not be told");
            Problem::dependency_unavailable(Dependency::Redis)
        }
    }
}

/// Redis' failures, where the replicas are listed.
pub(crate) fn of_roster(error: roster::Error) -> Problem {
    tracing::debug!(%error, "the replicas could not be asked");
    Problem::dependency_unavailable(Dependency::Redis)
}
