//! Keeps one epoch adopted for all requests of a process.
//!
//! One task establishes the epoch, with backoff; requests only read its result. So an outage costs one attempt at a time,
//! however many requests wait, and a request that gives up never leaves an opening half done.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use backoff::{Backoff, Bounds};
use broker::Publisher;
use events::Epoch;
use sequencer::{Adopted, Adoption, Record, Sequencer};
use store::{Store, epochs};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Dependency, Error, Role, meters,
    opening::{Failure, Opening, broker_down, mysql_down, redis_down},
};

/// One attempt to establish an epoch takes no longer than this.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(5);
/// The waits between attempts.
const WAITS: Bounds = Bounds { min: Duration::from_millis(50), max: Duration::from_secs(1) };
/// The longest pause of an opener that was overtaken.
const OVERTAKEN_PAUSE: Duration = Duration::from_millis(200);
/// Openers can overtake one another; after this many turns the attempt counts as failed and backs off.
const TURNS: usize = 8;
/// So many of these turns wait for others that hold the lock.
const TURNS_WITH_LOCK: usize = 5;

#[derive(Clone)]
enum State {
    Establishing,
    Adopted(Arc<Adopted>),
    Failed(Dependency),
}

/// The task that keeps an epoch adopted, and the way to ask for it.
#[derive(Clone)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
}

struct Shared {
    state: watch::Sender<State>,
    lost: Notify,
    /// The highest epoch for which the broker has returned a message: its routing keys are unbound, whatever Redis says.
    unbound: AtomicU64,
    /// The highest epoch in which the broker's queues were seen to be those that this process is configured for.
    confirmed: AtomicU64,
}

impl Keeper {
    pub(crate) fn start(
        role: Role,
        sequencer: Sequencer,
        publisher: Publisher,
        store: Store,
        shutdown: CancellationToken,
    ) -> Self {
        let shared = Arc::new(Shared {
            state: watch::Sender::new(State::Establishing),
            lost: Notify::new(),
            unbound: AtomicU64::new(0),
            confirmed: AtomicU64::new(0),
        });
        let task = Task { role, shared: shared.clone(), sequencer, publisher, store, shutdown: shutdown.clone() };
        tokio::spawn(async move { shutdown.run_until_cancelled(task.run()).await });
        Self { shared }
    }

    /// The adopted epoch, if there is one at this moment.
    pub(crate) fn current(&self) -> Option<Arc<Adopted>> {
        match &*self.shared.state.borrow() {
            State::Adopted(adopted) => Some(adopted.clone()),
            State::Establishing | State::Failed(_) => None,
        }
    }

    /// The adopted epoch; waits while one is being established. The caller sets the deadline.
    ///
    /// # Errors
    /// [`Error::Unavailable`] at once when the last attempt failed: the next one is under way, but it need not be waited for.
    pub(crate) async fn adopted(&self) -> Result<Arc<Adopted>, Error> {
        if let Some(adopted) = self.current() {
            return Ok(adopted);
        }
        let mut state = self.shared.state.subscribe();
        let settled = state.wait_for(|state| !matches!(state, State::Establishing)).await;
        match settled.as_deref() {
            Ok(State::Adopted(adopted)) => Ok(adopted.clone()),
            Ok(State::Failed(dependency)) => Err(Error::Unavailable(*dependency)),
            Ok(State::Establishing) | Err(_) => Err(Error::Unavailable(Dependency::Redis)),
        }
    }

    /// Redis no longer holds to `adopted`: adopt anew.
    pub(crate) fn forget(&self, adopted: &Arc<Adopted>) {
        let forgotten = self.shared.state.send_if_modified(|state| match state {
            State::Adopted(current) if Arc::ptr_eq(current, adopted) => {
                *state = State::Establishing;
                true
            }
            _ => false,
        });
        if forgotten {
            self.shared.lost.notify_one();
        }
    }

    /// The broker returned a message of this epoch: it is fenced off, and if Redis still shows it a new one must be opened.
    pub(crate) fn returned(&self, adopted: &Arc<Adopted>) {
        self.shared.unbound.fetch_max(adopted.record().epoch.get(), Ordering::Relaxed);
        self.forget(adopted);
    }
}

/// What Redis shows of an epoch.
enum Found {
    /// One to work in.
    Trusted(Adopted),
    /// None, or one that the broker has fenced off.
    Nothing { run_id: String, floor: Epoch, reason: &'static str },
}

struct Task {
    role: Role,
    shared: Arc<Shared>,
    sequencer: Sequencer,
    publisher: Publisher,
    store: Store,
    shutdown: CancellationToken,
}

impl Task {
    async fn run(self) {
        let mut backoff = Backoff::new(WAITS);
        loop {
            let outcome = timeout(ATTEMPT_LIMIT, self.establish()).await.unwrap_or_else(|_| Err(Failure::late()));
            match outcome {
                Ok(adopted) => {
                    tracing::info!(epoch = adopted.record().epoch.get(), "epoch adopted");
                    metrics::gauge!("chat_epoch").set(adopted.record().epoch.get() as f64);
                    self.shared.state.send_replace(State::Adopted(Arc::new(adopted)));
                    backoff.reset();
                    self.shared.lost.notified().await;
                }
                Err(Failure { dependency, cause }) => {
                    // Said once an outage, and whenever it is another server's turn; in between only to those who debug.
                    match self.shared.state.send_replace(State::Failed(dependency)) {
                        State::Failed(before) if before == dependency => tracing::debug!(%dependency, cause, "still no epoch"),
                        _ => tracing::warn!(%dependency, cause, "no number can be given until an epoch is adopted or opened"),
                    }
                    backoff.wait().await;
                }
            }
        }
    }

    async fn establish(&self) -> Result<Adopted, Failure> {
        let mut opened = false;
        for turn in 0..TURNS {
            if let Found::Trusted(adopted) = self.look().await? {
                if opened {
                    self.clean_up(adopted.record().epoch);
                }
                return Ok(adopted);
            }
            opened = self.open_in_turn(turn).await?;
            if !opened {
                // Openers that run in step would overtake one another for ever.
                sleep(OVERTAKEN_PAUSE.mul_f64(rand::random_range(0.2..1.0))).await;
            }
        }
        Err(Failure { dependency: Dependency::Redis, cause: "other openers were faster, again and again".to_owned() })
    }

    /// What Redis shows.
    async fn look(&self) -> Result<Found, Failure> {
        Ok(match self.sequencer.adopt().await.map_err(redis_down)? {
            Adoption::Adopted(adopted) => {
                let record = adopted.record();
                if record.epoch.get() > self.shared.unbound.load(Ordering::Relaxed) {
                    self.confirm_partitions(record.epoch).await?;
                    return Ok(Found::Trusted(adopted));
                }
                Found::Nothing { run_id: record.run_id.clone(), floor: record.epoch, reason: meters::UNBOUND }
            }
            Adoption::NeedsEpoch { run_id, found, reason } => {
                let floor = found.map_or(Epoch::new(0), |record| record.epoch);
                Found::Nothing { run_id, floor, reason: reason.as_str() }
            }
        })
    }

    /// An epoch that others opened may lead to other queues than those that this process is configured for: their number can be
    /// changed under a connection that stays (`broker::Repartition`). What was trusted before such a change leads nowhere behind
    /// it, so each epoch is looked at once.
    async fn confirm_partitions(&self, epoch: Epoch) -> Result<(), Failure> {
        if epoch.get() <= self.shared.confirmed.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.publisher.confirm_partitions().await {
            Ok(()) => {
                self.shared.confirmed.fetch_max(epoch.get(), Ordering::Relaxed);
                Ok(())
            }
            // Who only asks what was given can do so without the broker, and sends no fence then that could mislead it.
            Err(error) if self.role == Role::Reader && !matches!(error, broker::Error::WrongTopology(_)) => Ok(()),
            Err(error) => Err(broker_down(error)),
        }
    }

    /// Opens an epoch, one process at a time: of several that start together all but the first would open one for nothing, each
    /// of which takes all counters from those that already work. The lock only spares that; a holder that hangs is not waited
    /// for, and the opening is safe without it.
    async fn open_in_turn(&self, turn: usize) -> Result<bool, Failure> {
        if turn >= TURNS_WITH_LOCK {
            return self.open().await;
        }
        let held = self.store.with_lock("epoch", self.open()).await;
        held.map_err(mysql_down)?.unwrap_or(Ok(false))
    }

    /// Opens an epoch if there is still none to trust.
    async fn open(&self) -> Result<bool, Failure> {
        let Found::Nothing { run_id, floor, reason } = self.look().await? else { return Ok(false) };
        if self.role == Role::Reader && reason == meters::UNBOUND {
            self.refuse_unless_begun_here(&run_id).await?;
        }
        let opening = Opening { sequencer: &self.sequencer, publisher: &self.publisher, store: &self.store };
        opening.open(run_id, floor, reason).await
    }

    /// The epoch that this Redis shows is fenced off. If the higher one was begun for another Redis, all that give numbers may be
    /// well there: opened here, a next one would end theirs, for somebody who only reads. Sooner or later the connection leads
    /// there too, or who gives numbers opens one here.
    async fn refuse_unless_begun_here(&self, run_id: &str) -> Result<(), Failure> {
        let mut conn = self.store.acquire().await.map_err(mysql_down)?;
        let latest = epochs::history(&mut conn, 1).await.map_err(mysql_down)?.pop();
        // A row without a server stands for what an operator has ended (`chatctl restored`): nobody gives numbers anywhere.
        let latest = latest.filter(|latest| !latest.run_id.is_empty());
        let latest = latest.map(|latest| Record { epoch: latest.epoch, run_id: latest.run_id });
        if latest.is_none_or(|latest| latest.is_of_process(run_id)) {
            return Ok(());
        }
        Err(Failure { dependency: Dependency::Redis, cause: "numbers are given at another Redis than this one".to_owned() })
    }

    /// Removes the counters of dead epochs in the background. Whatever is left when this fails is removed behind the next
    /// opening.
    fn clean_up(&self, epoch: Epoch) {
        let (sequencer, shutdown) = (self.sequencer.clone(), self.shutdown.clone());
        tokio::spawn(async move {
            match shutdown.run_until_cancelled(sequencer.remove_epochs_below(epoch)).await {
                Some(Ok(keys)) => tracing::info!(keys, epoch = epoch.get(), "counters of earlier epochs removed"),
                Some(Err(error)) => {
                    tracing::info!(error = &error as &dyn std::error::Error, "counters of earlier epochs are left for later")
                }
                None => {}
            }
        });
    }
}
