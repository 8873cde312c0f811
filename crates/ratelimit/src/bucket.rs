//! Takes a request out of its client's bucket: one script, one round trip, one deadline.

use std::{fmt::Write as _, time::Duration};

use deadpool_redis::redis::{Cmd, RedisError};
use gcra::{Bucket, Verdict};
use service::telemetry::Repeats;
use tokio::time::timeout;

use crate::{
    client::Client,
    policy::Policy,
    script::{Link, Unavailable},
};

/// While requests cannot be counted, it is said this often.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// The buckets of all clients.
pub(crate) struct Buckets {
    link: Link,
    key_prefix: String,
    deadline: Duration,
    failures: Repeats,
}

impl Buckets {
    pub(crate) fn new(link: Link, key_prefix: &str, deadline: Duration) -> Self {
        Self { link, key_prefix: format!("{key_prefix}limit:"), deadline, failures: Repeats::every(SAY_EVERY) }
    }

    /// The bucket of a client under a policy.
    pub(crate) fn of(&self, policy: &Policy, client: Client) -> Bucket {
        let mut key = self.key_prefix.clone();
        // Writing to a String cannot fail.
        let _ = write!(key, "{}:{client}", policy.name);
        Bucket { key, interval_us: policy.quota.interval_us(), burst: policy.quota.burst.get() }
    }

    /// Takes one request out of a bucket. After an error it may have been taken all the same.
    pub(crate) async fn take(&self, bucket: &Bucket) -> Result<Verdict, Unavailable> {
        let lent = self.link.now().ok_or(Unavailable)?;
        let mut call = Cmd::new();
        call.arg("EVALSHA").arg(&*lent).arg(1).arg(&bucket.key).arg(bucket.interval_us).arg(bucket.burst);
        let answer = timeout(self.deadline, call.query_async::<(bool, u64, u64)>(&mut lent.connection())).await;
        // Of an error only its kind: its text may hold a key, and that a client's address.
        let (why, gives_up) = match &answer {
            Ok(Ok((passes, remaining, next_us))) => {
                return Ok(Verdict { passes: *passes, remaining: *remaining, next: Duration::from_micros(*next_us) });
            }
            Ok(Err(error)) => (error.code().unwrap_or(error.category()), is_of_the_connection(error)),
            Err(_) => ("no answer in time", true),
        };
        if let Some(suppressed) = self.failures.pass() {
            tracing::warn!(why, suppressed, "a request could not be counted");
        }
        if gives_up {
            self.link.give_up(&lent);
        }
        Err(Unavailable)
    }
}

/// Whether another connection may bring what this one did not. Of a Redis that answers, and is full or cannot write its file,
/// another one would hear the same.
fn is_of_the_connection(error: &RedisError) -> bool {
    error.code().is_none_or(|code| ["NOSCRIPT", "READONLY"].contains(&code))
}
