//! Keeps on through what passes by itself: a command that runs for an hour must not end because a server was restarted.

use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use store::ErrorKind;
use tokio::time::sleep;

/// What still fails after so long is told.
const PATIENCE: Duration = Duration::from_secs(60);
/// The first and the longest pause between attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Does `work`, again and again while it fails for a reason that may pass, for a minute at most. `work` may be repeated at any
/// time.
///
/// # Errors
/// What does not pass.
pub(crate) async fn patiently<T>(mut work: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let (began, mut pause) = (Instant::now(), PAUSES.0);
    loop {
        match work().await {
            Err(error) if may_pass(&error) && began.elapsed() < PATIENCE => {
                sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
            outcome => return outcome,
        }
    }
}

fn may_pass(error: &Error) -> bool {
    let store = error.downcast_ref::<store::Error>().is_some_and(|error| error.kind() == ErrorKind::Transient);
    store || matches!(error.downcast_ref::<search::Error>(), Some(search::Error::Unavailable(_)))
}
