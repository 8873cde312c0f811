//! Waiting with a limit: who waits too long is told for what, how long, and what was seen last.

use std::{future::Future, time::Duration};

use anyhow::{Context, anyhow};
use tokio::time::{Instant, sleep, timeout, timeout_at};

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks again and again until it is so. A look that fails says why it is not so yet, and nothing more: what is looked at may be
/// about to start, or to close its connections. None outlasts the limit.
///
/// # Errors
/// What was waited for, the limit, and why it was not so at the last look.
pub(crate) async fn until(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let deadline = Instant::now() + limit;
    let mut why = anyhow!("the first look has not ended");
    loop {
        match timeout_at(deadline, look()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => why = error,
            Err(_) => {}
        }
        if Instant::now() + LOOK_EVERY > deadline {
            return Err(why.context(format!("{what}: not within {limit:?}")));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Does something once, within the limit.
///
/// # Errors
/// What was to be done, and the limit or why it failed.
pub(crate) async fn within<T>(what: &str, limit: Duration, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    match timeout(limit, work).await {
        Ok(done) => done.with_context(|| what.to_owned()),
        Err(_) => Err(anyhow!("{what}: not done within {limit:?}")),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use anyhow::ensure;

    use super::*;

    const SOON: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(60);

    #[tokio::test]
    async fn it_is_waited_for_through_looks_that_fail() {
        let mut looks = 0;
        let look = async || {
            looks += 1;
            ensure!(looks == 3, "{looks}");
            Ok(())
        };
        until("three looks", SOON, look).await.unwrap();
        assert_eq!(looks, 3);
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told_for_what_and_what_was_seen_last() {
        let mut looks = 0;
        // The first is an answer, and the second never ends.
        let look = async || {
            looks += 1;
            ensure!(looks > 1, "two primaries");
            pending().await
        };
        let error = until("one primary", SHORT, look).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "one primary: not within 60ms: two primaries");
        let error = within("start", SHORT, pending::<anyhow::Result<()>>()).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "start: not done within 60ms");
        let error = within("start", SOON, async { Err::<(), _>(anyhow!("no room")) }).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "start: no room");
    }
}
