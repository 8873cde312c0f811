//! Takes a request out of its client's bucket: one script, one round trip, one deadline.

use std::{fmt::Write as _, time::Duration};

use deadpool_redis::redis::Cmd;
use gcra::{Bucket, Verdict};
use tokio::time::timeout;

use crate::{
    client::Client,
    policy::Policy,
    script::{Link, Unavailable},
};

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
        let why = match &answer {
            Ok(Ok((passes, remaining, next_us))) => {
                return Ok(Verdict { passes: *passes, remaining: *remaining, next: Duration::from_micros(*next_us) });
            }
            Ok(Err(error)) => error.category(),
            Err(_) => "no answer in time",
        };
        if self.link.give_up(&lent) {
            tracing::warn!(why, "a request could not be counted");
        }
        Err(Unavailable)
    }
}
