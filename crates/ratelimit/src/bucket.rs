//! Takes a request out of its client's bucket: one script, one round trip, one deadline.

use std::{fmt::Write as _, time::Duration};

use deadpool_redis::redis::Cmd;
use tokio::time::timeout;

use crate::{
    client::Client,
    link::{Link, Unavailable},
    policy::Policy,
};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) passes: bool,
    /// How many more would pass now.
    pub(crate) remaining: u64,
    /// How long until one more than that would.
    pub(crate) next: Duration,
}

impl Verdict {
    /// `next` in whole seconds, never too early.
    pub(crate) fn next_s(&self) -> u32 {
        u32::try_from(self.next.as_micros().div_ceil(1_000_000)).unwrap_or(u32::MAX)
    }
}

/// The buckets of all clients.
pub(crate) struct Buckets {
    link: Link,
    key_prefix: String,
    deadline: Duration,
}

impl Buckets {
    pub(crate) fn new(link: Link, key_prefix: &str, deadline: Duration) -> Self {
        Self { link, key_prefix: format!("{key_prefix}limit:"), deadline }
    }

    /// Takes one request of `client` under `policy`. After an error it may have been taken all the same.
    pub(crate) async fn take(&self, policy: &Policy, client: Client) -> Result<Verdict, Unavailable> {
        let ready = self.link.ready()?;
        let mut key = self.key_prefix.clone();
        // Writing to a String cannot fail.
        let _ = write!(key, "{}:{client}", policy.name);
        let interval_us = u64::try_from(policy.quota.interval().as_micros()).unwrap_or(u64::MAX);
        let mut call = Cmd::new();
        call.arg("EVALSHA").arg(&ready.script).arg(1).arg(key).arg(interval_us).arg(policy.quota.burst.get());
        let answer = timeout(self.deadline, call.query_async::<(bool, u64, u64)>(&mut ready.connection.clone())).await;
        match answer {
            Ok(Ok((passes, remaining, next_us))) => Ok(Verdict { passes, remaining, next: Duration::from_micros(next_us) }),
            Ok(Err(error)) => Err(self.link.give_up(&ready, Some(error))),
            Err(_) => Err(self.link.give_up(&ready, None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds_that_are_never_too_few() {
        let next_s = |us| Verdict { passes: true, remaining: 0, next: Duration::from_micros(us) }.next_s();
        assert_eq!([1, 999_999, 1_000_000, 1_000_001].map(next_s), [1, 1, 1, 2]);
    }
}
