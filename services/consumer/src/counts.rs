//! The count job: adds to the counts what was stored since it last ran. It costs by what has changed, never by what there is,
//! and touches no other column.
//!
//! One replica runs it at a time; one that finds it running leaves it to the other, and comes back soon: the other may have died,
//! and hold the lock for as long as MySQL takes to notice.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use backoff::jittered;
use domain::Timestamp;
use roster::{CountOutcome, CountRun};
use store::{Store, counts};
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::meters;

/// What replicas agree on by.
const LOCK: &str = "counts";
/// Dirty marks that one transaction takes in.
const CHUNK: u32 = 500;
/// The pause between transactions, so that a large run leaves room for the batches.
const PAUSE: Duration = Duration::from_millis(5);
/// Marks that writers held when the pass came by are tried again so often, and for so long at most: a writer holds one for the
/// time of a commit, and one that hangs is not waited for.
const HELD_PAUSE: Duration = Duration::from_millis(20);
const HELD_TIME: Duration = Duration::from_secs(5);
/// A run that failed is tried again so soon.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// One that found another at it comes back so soon, half of it more or less, so that replicas do not come together again.
const BACK_AFTER: Duration = Duration::from_secs(10);

/// What a run of the job did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Applied so many dirty marks: chats and applications whose count had changed.
    Marks(u64),
    /// Another process is at it.
    Elsewhere,
}

/// Brings the counts up to date now.
///
/// # Errors
/// Any [`store::Error`]. What was applied before it is applied, exactly; the rest stays marked for the next run.
pub async fn run(store: &Store) -> Result<Counted, store::Error> {
    let marks = store.with_lock(LOCK, apply_all(store)).await?;
    marks.map_or(Ok(Counted::Elsewhere), |applied| applied.map(Counted::Marks))
}

/// Takes every mark once, those that writers hold when it comes by a little later: what was stored before it began is counted
/// when it ends. What is stored meanwhile may be left to the next run, so that this one ends.
async fn apply_all(store: &Store) -> Result<u64, store::Error> {
    let mut connection = store.acquire().await?;
    let (mut pass, mut marks) = (counts::Pass::default(), 0);
    loop {
        let applied = counts::apply_next(&mut connection, &mut pass, CHUNK).await?;
        marks += applied;
        if applied == 0 {
            break;
        }
        sleep(PAUSE).await;
    }
    let passed = Instant::now();
    while pass.held() > 0 && passed.elapsed() < HELD_TIME {
        sleep(HELD_PAUSE).await;
        marks += counts::apply_held(&mut connection, &mut pass).await?;
    }
    if pass.held() > 0 {
        tracing::warn!(marks = pass.held(), "counts that a writer has held for long are left to the next run");
    }
    Ok(marks)
}

/// The job of this process, as others see it: they may want it to run now, and ask what it did last. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Job {
    wanted: Arc<Notify>,
    last: Arc<Mutex<Option<CountRun>>>,
}

impl Job {
    /// To be told when the counts are to be brought up to date now.
    pub(crate) fn wanted(&self) -> Arc<Notify> {
        self.wanted.clone()
    }

    /// What the last run did.
    pub(crate) fn last(&self) -> Option<CountRun> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs within `first` of the start, then in every interval and whenever it is wanted, until `stop`.
    pub(crate) async fn run_periodically(self, store: Store, first: Duration, interval: Duration, stop: CancellationToken) {
        let mut wait = first.min(interval).mul_f64(rand::random_range(0.0..1.0));
        while stop.run_until_cancelled(self.due(wait)).await.is_some() {
            let began = Instant::now();
            let Some(outcome) = stop.run_until_cancelled(run(&store)).await else { return };
            // Counted from the start of the run, so that counts lag by the interval and not by the interval and a run.
            let next = match &outcome {
                Ok(Counted::Marks(_)) => interval,
                Ok(Counted::Elsewhere) => interval.min(jittered(BACK_AFTER)),
                Err(_) => interval.min(AGAIN_AFTER),
            };
            self.note(&outcome, began.elapsed());
            report(outcome, began.elapsed());
            wait = next.saturating_sub(began.elapsed());
        }
    }

    async fn due(&self, wait: Duration) {
        tokio::select! {
            () = sleep(wait) => {}
            () = self.wanted.notified() => {}
        }
    }

    fn note(&self, outcome: &Result<Counted, store::Error>, took: Duration) {
        let outcome = match outcome {
            Ok(Counted::Marks(marks)) => CountOutcome::Marks(*marks),
            Ok(Counted::Elsewhere) => CountOutcome::Elsewhere,
            Err(_) => CountOutcome::Failed,
        };
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let run = CountRun { at: Timestamp::now(), took_ms, outcome };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
    }
}

fn report(outcome: Result<Counted, store::Error>, took: Duration) {
    match outcome {
        Ok(Counted::Marks(marks)) => {
            tracing::info!(marks, milliseconds = took.as_millis(), "counts brought up to date");
            metrics::gauge!("chat_count_last_run_timestamp_seconds").set(Timestamp::now().to_datetime().timestamp() as f64);
            meters::count_marks(marks);
        }
        Ok(Counted::Elsewhere) => tracing::debug!("counts are brought up to date by another process"),
        Err(error) => {
            tracing::warn!(%error, "counts could not be brought up to date; it is tried again");
            meters::count_failures(1);
        }
    }
}
