//! Keeps tests that start servers of their own from all doing so at once.

use tokio::sync::{Semaphore, SemaphorePermit};

/// A private server costs memory by the hundred megabytes and processor time while it starts: with more than this many at a time
/// on a small machine, the deadlines that the tests check would measure the machine.
static PRIVATE: Semaphore = Semaphore::const_new(2);

/// Waits for a turn, which lasts as long as the value lives. For a test that starts servers by itself.
///
/// # Panics
/// Never: nothing closes the gate.
pub async fn turn() -> SemaphorePermit<'static> {
    PRIVATE.acquire().await.expect("the gate is never closed")
}
