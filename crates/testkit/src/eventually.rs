//! Waits for a condition, with a deadline. The only way in which tests wait: none sleeps and hopes.

use std::time::{Duration, Instant};

use tokio::time::sleep;

/// Short, because many tests wait; long enough not to keep a server busy with being asked.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks until `holds`, and returns after how long it did.
///
/// # Panics
/// When it does not hold `within` that time: `what` was expected.
pub async fn eventually(what: &str, within: Duration, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        sleep(PAUSE).await;
    }
    began.elapsed()
}
