//! Snapshots for all who watch, made by one task, once a second, and only while somebody does.

use std::{sync::Arc, time::Duration};

use service::problem::Problem;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::gather::Gatherer;

/// Between two snapshots.
const EVERY: Duration = Duration::from_secs(1);
/// Who may watch at a time; one more is told to come again.
const SEATS: usize = 32;
/// After so long a viewer has to come again, and to show that it may.
const STAYS: Duration = Duration::from_secs(600);

/// Lets viewers in.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Inner>);

struct Inner {
    /// The last snapshot as JSON; `None` while nobody watches.
    snapshots: watch::Sender<Option<Arc<str>>>,
    seats: Arc<Semaphore>,
    arrived: Notify,
    changed: Notify,
    closing: CancellationToken,
}

impl Watch {
    /// Has snapshots made for viewers until `closing`, on the current tokio runtime.
    pub(crate) fn start(gatherer: Gatherer, closing: CancellationToken) -> Self {
        let watch = Self(Arc::new(Inner {
            snapshots: watch::Sender::new(None),
            seats: Arc::new(Semaphore::new(SEATS)),
            arrived: Notify::new(),
            changed: Notify::new(),
            closing: closing.clone(),
        }));
        let gathering = watch.clone();
        tokio::spawn(async move { closing.run_until_cancelled(gathering.gather(gatherer)).await });
        watch
    }

    /// One more who watches, if there is room.
    ///
    /// # Errors
    /// 503 `overloaded`.
    pub(crate) fn enter(&self) -> Result<Viewer, Problem> {
        let seat = self.0.seats.clone().try_acquire_owned().map_err(|_| Problem::overloaded())?;
        let viewer = Viewer {
            snapshots: self.0.snapshots.subscribe(),
            closing: self.0.closing.clone(),
            leaves: Instant::now() + STAYS,
            greeted: false,
            _seat: seat,
        };
        self.0.arrived.notify_one();
        Ok(viewer)
    }

    /// Something was changed: viewers should see it at once.
    pub(crate) fn changed(&self) {
        self.0.changed.notify_one();
    }

    async fn gather(&self, mut gatherer: Gatherer) {
        loop {
            self.0.arrived.notified().await;
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while self.0.snapshots.receiver_count() > 0 {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = self.0.changed.notified() => {}
                }
                match serde_json::to_string(&gatherer.snapshot().await) {
                    Ok(json) => drop(self.0.snapshots.send_replace(Some(json.into()))),
                    Err(error) => tracing::error!(%error, "a snapshot of the console cannot be written"),
                }
            }
            gatherer.forget();
            self.0.snapshots.send_replace(None);
        }
    }
}

/// One who watches. Its seat is free when it is dropped.
pub(crate) struct Viewer {
    snapshots: watch::Receiver<Option<Arc<str>>>,
    closing: CancellationToken,
    leaves: Instant,
    greeted: bool,
    _seat: OwnedSemaphorePermit,
}

impl Viewer {
    /// The next snapshot that this viewer has not seen; of several that it missed the last. `None` when it has to leave.
    pub(crate) async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            // Who has just come is shown what there is.
            if self.greeted {
                tokio::select! {
                    biased;
                    () = self.closing.cancelled() => return None,
                    () = sleep_until(self.leaves) => return None,
                    changed = self.snapshots.changed() => changed.ok()?,
                }
            }
            self.greeted = true;
            if let Some(snapshot) = self.snapshots.borrow_and_update().clone() {
                return Some(snapshot);
            }
        }
    }
}
