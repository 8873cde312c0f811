//! Sees a batch through to its commit, whatever it takes: retries what may pass, isolates what never will.
//!
//! It returns only when every entry is stored, as a row or as a dead letter. A failure that nobody can tell to pass is retried
//! all the same: nothing is dropped, and nothing is acknowledged before it is stored. To give up means to drop the future; the
//! broker then delivers again what was not acknowledged.

use std::time::{Duration, Instant};

use backoff::{Backoff, Bounds};
use domain::Timestamp;
use events::Epoch;
use search::Document;
use service::telemetry::Repeats;
use store::{Error, ErrorKind};
use trace::{Context, Kind, Tracer};

use crate::{
    batch::{Limits, cut},
    decode::{Entry, Subject},
    hand_over::{HandOver, HandOvers, INDEXER_TIME, Place},
    isolate::Parts,
    letters, meters,
    persist::Persister,
    plan::Plan,
    traced::Spans,
};

/// A part that did not get done in time is split, for it may be too much for a slow server; a smaller one is not what is slow.
const LARGE_PART: usize = 64;
/// While MySQL is down, it is said this often.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Commits the batches of one partition.
pub(crate) struct Committer {
    persister: Persister,
    hand_overs: HandOvers,
    tracer: Tracer,
    limits: Limits,
    retry: Bounds,
    failures: Repeats,
}

impl Committer {
    pub(crate) fn new(persister: Persister, hand_overs: HandOvers, tracer: Tracer, limits: Limits, retry: Bounds) -> Self {
        Self { persister, hand_overs, tracer, limits, retry, failures: Repeats::every(SAY_EVERY) }
    }

    /// Stores all entries, in order, and raises the partition's epoch to theirs. `stored_epoch` is what is stored of it.
    pub(crate) async fn commit(&self, entries: &mut [Entry], stored_epoch: &mut Epoch) {
        let mut parts = Parts::new(cut(entries, self.limits));
        let mut backoff = Backoff::new(self.retry);
        while let Some(part) = parts.next() {
            let epoch = entries[part.clone()].iter().filter_map(|entry| entry.epoch).max().filter(|epoch| epoch > stored_epoch);
            let Err(error) = self.store(&entries[part.clone()], epoch).await else {
                parts.stored();
                *stored_epoch = epoch.unwrap_or(*stored_epoch);
                backoff.reset();
                continue;
            };
            match error.kind() {
                ErrorKind::Row if parts.split() => continue,
                ErrorKind::Row if reject(&mut entries[part.start], &error) => continue,
                _ => self.report(&error),
            }
            if error.took_too_long() && part.len() > LARGE_PART {
                parts.split();
            }
            backoff.wait().await;
        }
    }

    /// Stores a partition's epoch that came without entries: a fence's.
    pub(crate) async fn commit_epoch(&self, epoch: Epoch, stored_epoch: &mut Epoch) {
        let mut backoff = Backoff::new(self.retry);
        while epoch > *stored_epoch {
            match self.store(&[], Some(epoch)).await {
                Ok(()) => *stored_epoch = epoch,
                Err(error) => {
                    self.report(&error);
                    backoff.wait().await;
                }
            }
        }
    }

    /// One transaction, and the hand-over to the indexer if it has room.
    async fn store(&self, part: &[Entry], epoch: Option<Epoch>) -> Result<(), Error> {
        // Reserved before, so that the outbox row can say when the relay should look after it.
        let place = self.hand_overs.reserve();
        let now = Timestamp::now();
        let due_at = if place.is_some() { Timestamp::from(now.to_datetime() + INDEXER_TIME) } else { now };
        let mut spans = Spans::begin(&self.tracer, "store", Kind::Consumer, part.len(), part.iter().filter_map(Entry::trace));
        spans.say("db.system.name", "mysql");
        let began = Instant::now();
        let stored = self.persister.store(part, epoch, due_at).await.inspect_err(|error| spans.fail(error.kind().as_str()))?;
        meters::persisted(part.len(), began.elapsed());
        count(&stored.plan);
        match (place, stored.outbox_id) {
            (Some(place), Some(outbox_id)) => hand_over(place, outbox_id, &stored.plan, spans.contexts()),
            (None, Some(_)) => meters::not_handed_over(1),
            // Nothing in it is searched for.
            (_, None) => {}
        }
        Ok(())
    }

    fn report(&self, error: &Error) {
        meters::persist_failures(error.kind(), 1);
        let Some(suppressed) = self.failures.pass() else { return };
        if error.kind() == ErrorKind::Fatal {
            tracing::error!(%error, suppressed, "a batch cannot be stored until an operator helps; it is tried again");
        } else {
            tracing::warn!(%error, suppressed, "a batch could not be stored; it is tried again");
        }
    }
}

/// Makes a dead letter of the one item that MySQL refuses. `false` when the entry is one already: then it is the dead letter
/// that is refused, and there is nowhere else to go with it.
fn reject(entry: &mut Entry, error: &Error) -> bool {
    let Some(item) = entry.subject.item() else { return false };
    entry.subject = Subject::Dead(letters::rejected(item, error));
    true
}

fn hand_over(place: Place, outbox_id: u64, plan: &Plan<'_>, traces: Vec<Context>) {
    let documents = plan.messages.iter().map(|message| Document {
        application_id: message.application_id,
        chat: message.chat,
        number: message.number,
        version: 1,
        body: message.body.clone(),
    });
    place.send(HandOver { outbox_id, documents: documents.collect(), committed: tokio::time::Instant::now(), traces });
}

fn count(plan: &Plan<'_>) {
    meters::stored("chat", plan.chats.len());
    meters::stored("message", plan.messages.len());
    for letter in &plan.dead {
        meters::dead_letters(letter.reason, 1);
    }
    // One line a transaction, however many there are: the table has them all.
    if let Some(first) = plan.dead.first() {
        let event = first.identity.event_id.map(|event| event.to_string());
        let (letters, reason, request_id) = (plan.dead.len(), first.reason.as_str(), letters::request_id(first));
        tracing::error!(letters, reason, detail = first.detail, event, request_id, "items became dead letters");
    }
}
