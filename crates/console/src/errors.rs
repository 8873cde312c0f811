//! What the console alone meets, as HTTP. The store's errors are those of `problems`.

use problems::of_store;
use service::problem::{Dependency, Problem};

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
