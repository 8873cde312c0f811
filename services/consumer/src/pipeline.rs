//! One partition's way from the queue into the tables: decode, batch, decide on stragglers, commit, acknowledge, strictly in
//! the order of the queue. Partitions run beside one another and share nothing but the servers.

use std::{mem, sync::Arc, time::Duration};

use backoff::{Backoff, Bounds};
use broker::{Consumer, Deliveries, Delivery, Event};
use domain::Timestamp;
use events::{Epoch, Partition};
use sequencer::Sequencer;
use service::telemetry::Repeats;
use store::{Store, partition_epochs};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use trace::Tracer;

use crate::{
    batch::{Batch, Limits},
    ceiling::Ceiling,
    commit::Committer,
    decode::{self, Content, Entry},
    hand_over::HandOvers,
    meters,
    oldest::Oldest,
    persist::Persister,
    settle, stragglers,
    taking::Taking,
};

/// While a straggler's number cannot be decided on, it is said this often.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Acknowledges what may yet be lost: a feature that only the history checker's own test turns on.
const ACKNOWLEDGED_FIRST: bool = cfg!(feature = "broken-early-ack");

/// What the pipelines of a process share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) sequencer: Sequencer,
    pub(crate) consumer: Consumer,
    pub(crate) taking: Taking,
    pub(crate) limits: Limits,
    pub(crate) retry: Bounds,
    pub(crate) tracer: Tracer,
}

/// One partition's pipeline.
pub(crate) struct Pipeline {
    shared: Arc<Shared>,
    deliveries: Deliveries,
    committer: Committer,
    batch: Batch<Delivery>,
    /// Which epochs it may show.
    ceiling: Ceiling,
    /// The highest epoch that the queue has shown.
    epoch: Epoch,
    /// The highest that is stored, so that a successor, or this one after a reset, knows it.
    stored_epoch: Epoch,
    oldest: Oldest,
    failures: Repeats,
}

impl Pipeline {
    pub(crate) fn new(shared: Arc<Shared>, deliveries: Deliveries, hand_overs: HandOvers) -> Self {
        let persister = Persister::new(shared.store.clone(), deliveries.partition());
        let committer = Committer::new(persister, hand_overs, shared.tracer.clone(), shared.limits, shared.retry);
        let (ceiling, none) = (Ceiling::new(shared.store.clone(), shared.retry), Epoch::new(0));
        Self {
            shared,
            deliveries,
            committer,
            batch: Batch::new(),
            ceiling,
            epoch: none,
            stored_epoch: none,
            oldest: Oldest::unknown(),
            failures: Repeats::every(SAY_EVERY),
        }
    }

    /// Which partition it works off, and where it is told how far it lags.
    pub(crate) fn lag(&self) -> (Partition, Oldest) {
        (self.deliveries.partition(), self.oldest.clone())
    }

    /// Works until `stop`, and then finishes what is gathered; `abort` ends it at once, wherever it stands. What was not
    /// acknowledged is delivered again.
    pub(crate) async fn run(mut self, stop: CancellationToken, abort: CancellationToken) {
        let partition = self.deliveries.partition().get();
        if abort.run_until_cancelled(self.work(&stop)).await.is_none() {
            tracing::warn!(partition, "stopped with a batch that could not be stored; it will be delivered again");
        }
    }

    async fn work(&mut self, stop: &CancellationToken) {
        if !self.begin(stop).await {
            return;
        }
        loop {
            let due = self.batch.due(self.shared.limits);
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = sleep_until(due.unwrap_or_else(tokio::time::Instant::now)), if due.is_some() => {
                    self.flush().await;
                    continue;
                }
                event = self.deliveries.next() => event,
            };
            match event {
                Some(Event::Delivery(delivery)) => self.take(delivery).await,
                // What was gathered comes again, to this process or another.
                Some(Event::Reset) => {
                    self.shared.taking.forget(self.deliveries.partition());
                    if !self.begin(stop).await {
                        return;
                    }
                }
                None => break,
            }
        }
        self.flush().await;
    }

    /// Starts with nothing gathered and with the epoch that is stored: what the queue has shown beyond it will be shown again.
    /// `false` when `stop` came first.
    async fn begin(&mut self, stop: &CancellationToken) -> bool {
        self.batch = Batch::new();
        let mut backoff = Backoff::new(self.shared.retry);
        loop {
            match self.read_epoch().await {
                Ok(epoch) => {
                    (self.epoch, self.stored_epoch) = (epoch, epoch);
                    self.oldest.clear();
                    return true;
                }
                Err(error) => {
                    if let Some(suppressed) = self.failures.pass() {
                        tracing::warn!(%error, suppressed, "a partition's epoch cannot be read; nothing is consumed until it can");
                    }
                }
            }
            if stop.run_until_cancelled(backoff.wait()).await.is_none() {
                return false;
            }
        }
    }

    async fn read_epoch(&self) -> Result<Epoch, store::Error> {
        let mut connection = self.shared.store.acquire().await?;
        let epoch = partition_epochs::find(&mut connection, self.deliveries.partition()).await?;
        Ok(epoch.unwrap_or(Epoch::new(0)))
    }

    async fn take(&mut self, mut delivery: Delivery) {
        self.shared.taking.note(delivery.partition);
        let payload = mem::take(&mut delivery.payload);
        let mut content = decode::read(&payload);
        if let Some(epoch) = content.epoch()
            && !self.ceiling.admits(epoch).await
        {
            content = Content::never_opened(&payload, epoch);
        }
        match content {
            Content::Items(entries) => self.gather(delivery, entries, payload.len()).await,
            Content::Unreadable(entry) => self.gather(delivery, vec![*entry], payload.len()).await,
            Content::Fence(epoch) => self.pass_fence(delivery, epoch).await,
        }
    }

    async fn gather(&mut self, delivery: Delivery, mut entries: Vec<Entry>, bytes: usize) {
        decode::mark_stragglers(&mut entries, &mut self.epoch);
        let limits = self.shared.limits;
        if !self.batch.has_room(limits, &entries, bytes) {
            self.flush().await;
        }
        self.oldest.took(&entries);
        self.batch.add(delivery, entries, bytes, tokio::time::Instant::now());
        if self.batch.is_full(limits) {
            self.flush().await;
        }
    }

    /// Everything before the fence is committed before it is answered, and so is its epoch: whoever is answered may go on to
    /// give numbers in it, and an item of an earlier epoch must be known for a straggler from then on, after a crash too.
    async fn pass_fence(&mut self, fence: Delivery, epoch: Epoch) {
        self.flush().await;
        self.epoch = self.epoch.max(epoch);
        self.committer.commit_epoch(epoch, &mut self.stored_epoch).await;
        settle::answer(&self.shared.consumer, &fence).await;
    }

    /// Stores and acknowledges what is gathered.
    async fn flush(&mut self) {
        let Batch { mut entries, last, .. } = mem::replace(&mut self.batch, Batch::new());
        let Some(last) = last else { return };
        self.decide_stragglers(&mut entries).await;
        if ACKNOWLEDGED_FIRST {
            settle::acknowledge(&self.shared.consumer, &entries, &last, self.shared.retry).await;
        }
        self.committer.commit(&mut entries, &mut self.stored_epoch).await;
        if let Some(age) = self.oldest.age(Timestamp::now()) {
            meters::store_lag(age);
        }
        self.oldest.clear();
        if !ACKNOWLEDGED_FIRST {
            settle::acknowledge(&self.shared.consumer, &entries, &last, self.shared.retry).await;
        }
    }

    async fn decide_stragglers(&self, entries: &mut [Entry]) {
        let mut backoff = Backoff::new(self.shared.retry);
        while let Err(error) = stragglers::decide(&self.shared.sequencer, &self.shared.store, entries, self.epoch).await {
            if let Some(suppressed) = self.failures.pass() {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, suppressed, "a batch waits to be stored");
            }
            backoff.wait().await;
        }
    }
}
