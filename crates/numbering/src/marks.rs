//! Notes in Redis, behind the answer, that creates with an idempotency key were confirmed.
//!
//! Nobody waits for it. A note that is lost (too many wait, Redis is away, the process ends) leaves its record pending, which
//! costs the next request with that key one more publish of the same event, and nothing else.

use std::sync::Arc;

use domain::{ApplicationToken, EventId};
use futures_util::future::join_all;
use sequencer::{Adopted, Digest, Sequencer};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::meters;

/// Notes that may wait; more are dropped.
const MAX_WAITING: usize = 4096;
/// Notes that are sent side by side, on the one connection.
const AT_ONCE: usize = 64;

/// One create that was confirmed.
pub(crate) struct Mark {
    pub(crate) adopted: Arc<Adopted>,
    pub(crate) token: ApplicationToken,
    pub(crate) key: Digest,
    pub(crate) event: EventId,
}

/// The way to the task that makes the notes.
#[derive(Clone)]
pub(crate) struct Marks {
    sender: mpsc::Sender<Mark>,
}

impl Marks {
    pub(crate) fn start(sequencer: Sequencer, shutdown: CancellationToken) -> Self {
        let (sender, waiting) = mpsc::channel(MAX_WAITING);
        tokio::spawn(async move { shutdown.run_until_cancelled(run(sequencer, waiting)).await });
        Self { sender }
    }

    pub(crate) fn confirmed(&self, mark: Mark) {
        if self.sender.try_send(mark).is_err() {
            meters::marks_dropped(1);
        }
    }
}

async fn run(sequencer: Sequencer, mut waiting: mpsc::Receiver<Mark>) {
    let mut marks = Vec::with_capacity(AT_ONCE);
    while waiting.recv_many(&mut marks, AT_ONCE).await > 0 {
        let sent = marks.drain(..).map(async |Mark { adopted, token, key, event }| {
            if let Err(error) = sequencer.confirm(&adopted, token, key, event).await {
                tracing::debug!(%error, event = %event, "a confirmed create's idempotency record is left pending");
            }
        });
        join_all(sent).await;
    }
}
