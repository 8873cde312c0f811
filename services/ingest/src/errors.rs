//! Tells clients why a create was not accepted: the one place where the numbering's errors become HTTP.

use numbering::{Dependency, Error};
use service::problem::{self, Problem};

pub(crate) fn problem(error: Error) -> Problem {
    match error {
        Error::UnknownApplication => Problem::application_not_found(),
        Error::UnknownChat => Problem::chat_not_found(),
        Error::KeyReused => Problem::idempotency_key_reused(),
        Error::Limited(verdict) => Problem::rate_limited(verdict.next_s()),
        Error::Overloaded => Problem::overloaded(),
        Error::Unavailable(dependency) => Problem::dependency_unavailable(match dependency {
            Dependency::Redis => problem::Dependency::Redis,
            Dependency::Rabbitmq => problem::Dependency::Rabbitmq,
            Dependency::Mysql => problem::Dependency::Mysql,
            Dependency::Consumer => problem::Dependency::Consumer,
        }),
        Error::Unconfirmed | Error::TimedOut => Problem::timeout(),
    }
}
