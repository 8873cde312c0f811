//! The bounded queue between storing and indexing, and how what waits in it is gathered to be written together.
//!
//! Each writing has costs of its own (two looks at MySQL, a synchronised write of Elasticsearch's), so under load the next one
//! waits a moment for more documents; what comes after a quiet time goes at once. Storing never waits here: where the queue is
//! full nothing is handed over, and the relay takes it from the outbox.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use search::Document;
use tokio::{
    sync::mpsc::{self, OwnedPermit},
    time::{Instant, timeout_at},
};
use trace::Context;

use crate::{
    grouping::{ENOUGH_BYTES, bytes_of_text},
    meters,
};

/// How long the relay leaves a batch to the indexer.
pub(crate) const INDEXER_TIME: Duration = Duration::from_secs(10);
/// Batches older than this are left to the relay; writing them here too would index them twice while the index is already slow.
const TOO_LONG: Duration = Duration::from_secs(5);

/// Bytes of text that may wait. A batch may have eight MiB, and so many of those as may wait by their number would be most of the
/// memory that a process is given.
const MAX_WAITING_BYTES: usize = 32 * 1024 * 1024;

/// Documents that are written without waiting for more.
const ENOUGH_DOCUMENTS: usize = 1_000;

/// The messages of a committed batch.
#[derive(Debug)]
pub(crate) struct HandOver {
    /// The outbox row to remove when the index has them.
    pub(crate) outbox_id: u64,
    pub(crate) documents: Vec<Document>,
    /// When they were committed.
    pub(crate) committed: Instant,
    /// Where the traces of the messages go on.
    pub(crate) traces: Vec<Context>,
}

impl HandOver {
    /// Bytes of its text.
    fn bytes(&self) -> usize {
        bytes_of_text(&self.documents)
    }
}

/// The near end of the queue. The indexer ends when the last clone is gone and the queue is empty.
#[derive(Debug, Clone)]
pub(crate) struct HandOvers {
    queue: mpsc::Sender<HandOver>,
    /// How many bytes of text wait in it.
    bytes: Arc<AtomicUsize>,
}

/// The far end of it.
#[derive(Debug)]
pub(crate) struct Waiting {
    queue: mpsc::Receiver<HandOver>,
    bytes: Arc<AtomicUsize>,
}

/// A place in the queue.
#[derive(Debug)]
pub(crate) struct Place {
    permit: OwnedPermit<HandOver>,
    bytes: Arc<AtomicUsize>,
}

/// A queue for so many batches.
pub(crate) fn queue(batches: usize) -> (HandOvers, Waiting) {
    let (sender, receiver) = mpsc::channel(batches);
    let bytes = Arc::new(AtomicUsize::new(0));
    (HandOvers { queue: sender, bytes: bytes.clone() }, Waiting { queue: receiver, bytes })
}

impl HandOvers {
    /// A place in the queue, if there is one now. Which bytes it will take is not known yet, so what waits may be more than it
    /// should by a batch for each partition.
    pub(crate) fn reserve(&self) -> Option<Place> {
        if self.bytes.load(Ordering::Relaxed) >= MAX_WAITING_BYTES {
            return None;
        }
        let permit = self.queue.clone().try_reserve_owned().ok()?;
        Some(Place { permit, bytes: self.bytes.clone() })
    }

    /// A look at the queue that does not keep it open.
    pub(crate) fn view(&self) -> View {
        View(self.queue.downgrade())
    }
}

impl Place {
    /// Puts the batch there.
    pub(crate) fn send(self, next: HandOver) {
        self.bytes.fetch_add(next.bytes(), Ordering::Relaxed);
        self.permit.send(next);
    }
}

/// Tells how full the queue is.
#[derive(Debug)]
pub(crate) struct View(mpsc::WeakSender<HandOver>);

impl View {
    /// Places that are taken, and how many there are.
    pub(crate) fn used(&self) -> Option<(usize, usize)> {
        let queue = self.0.upgrade()?;
        Some((queue.max_capacity() - queue.capacity(), queue.max_capacity()))
    }
}

impl Waiting {
    /// What is written next: all that comes until `due`, or as much of it as is enough. What waits already is
    /// not left behind when `due` is past, unless it has waited too long. `None` when there can be no more.
    pub(crate) async fn gather(&mut self, due: Instant) -> Option<Gathered> {
        let mut gathered = Gathered::of(self.next().await?);
        while !gathered.is_enough() {
            let next = match self.queue.try_recv() {
                Ok(next) => next,
                Err(_) if due <= Instant::now() => break,
                Err(_) => match timeout_at(due, self.queue.recv()).await {
                    Ok(Some(next)) => next,
                    _ => break,
                },
            };
            if self.is_taken_in_time(&next) {
                gathered.add(next);
            }
        }
        Some(gathered)
    }

    /// The next that has not waited too long.
    async fn next(&mut self) -> Option<HandOver> {
        loop {
            let next = self.queue.recv().await?;
            if self.is_taken_in_time(&next) {
                return Some(next);
            }
        }
    }

    /// Notes that it was taken off the queue.
    fn is_taken_in_time(&self, next: &HandOver) -> bool {
        self.bytes.fetch_sub(next.bytes(), Ordering::Relaxed);
        let in_time = next.committed.elapsed() < TOO_LONG;
        if !in_time {
            meters::not_indexed_in_time(1);
        }
        in_time
    }
}

/// Hand-overs that are written together.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) outbox_ids: Vec<u64>,
    pub(crate) documents: Vec<Document>,
    pub(crate) traces: Vec<Context>,
    bytes: usize,
    oldest: Instant,
}

impl Gathered {
    fn of(first: HandOver) -> Self {
        let (outbox_ids, documents, traces) = (Vec::new(), Vec::new(), Vec::new());
        let mut gathered = Self { outbox_ids, documents, traces, bytes: 0, oldest: first.committed };
        gathered.add(first);
        gathered
    }

    fn add(&mut self, next: HandOver) {
        self.outbox_ids.push(next.outbox_id);
        self.bytes += next.bytes();
        self.documents.extend(next.documents);
        self.traces.extend(next.traces);
        self.oldest = self.oldest.min(next.committed);
    }

    fn is_enough(&self) -> bool {
        self.documents.len() >= ENOUGH_DOCUMENTS || self.bytes >= ENOUGH_BYTES
    }

    /// How long ago the first of them was committed.
    pub(crate) fn age(&self) -> Duration {
        self.oldest.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use domain::{ApplicationId, ChatNumber, MessageBody, MessageNumber};
    use futures_util::FutureExt;

    use super::*;

    fn hand_over(outbox_id: u64, documents: usize, body: &str) -> HandOver {
        let document = |number| Document {
            application_id: ApplicationId::new(1),
            chat: ChatNumber::new(1).unwrap(),
            number: MessageNumber::new(number).unwrap(),
            version: 1,
            body: MessageBody::new(body).unwrap(),
        };
        HandOver {
            outbox_id,
            documents: (1..=documents as u64).map(document).collect(),
            committed: Instant::now(),
            traces: Vec::new(),
        }
    }

    fn filled(hand_overs: impl IntoIterator<Item = HandOver>) -> (HandOvers, Waiting) {
        let (near, far) = queue(100);
        hand_overs.into_iter().for_each(|next| {
            near.reserve().unwrap().send(next);
        });
        (near, far)
    }

    fn far_away() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    fn at_once(waiting: &mut Waiting, due: Instant) -> Option<Vec<u64>> {
        waiting.gather(due).now_or_never().flatten().map(|gathered| gathered.outbox_ids)
    }

    #[tokio::test]
    async fn all_that_waits_goes_at_once_when_the_moment_is_past_and_a_lone_one_too() {
        let (near, mut waiting) = filled([hand_over(1, 1, "a"), hand_over(2, 2, "b")]);
        assert_eq!(at_once(&mut waiting, Instant::now()), Some(vec![1, 2]));
        near.reserve().unwrap().send(hand_over(3, 1, "c"));
        assert_eq!(at_once(&mut waiting, Instant::now()), Some(vec![3]));
    }

    #[tokio::test]
    async fn before_the_moment_more_is_waited_for() {
        let (near, mut waiting) = filled([hand_over(1, 1, "a")]);
        let mut gathering = Box::pin(waiting.gather(far_away()));
        assert!(gathering.as_mut().now_or_never().is_none());
        near.reserve().unwrap().send(hand_over(2, ENOUGH_DOCUMENTS - 1, "b"));
        assert_eq!(gathering.now_or_never().flatten().map(|gathered| gathered.outbox_ids), Some(vec![1, 2]));
    }

    #[tokio::test]
    async fn enough_in_number_or_in_size_is_not_waited_with() {
        let (_near, mut waiting) = filled([hand_over(1, ENOUGH_DOCUMENTS, "a"), hand_over(2, 1, "b")]);
        assert_eq!(at_once(&mut waiting, far_away()), Some(vec![1]));
        let long = "x".repeat(10_000);
        let (_near, mut waiting) = filled([hand_over(1, ENOUGH_BYTES / 10_000 + 1, &long), hand_over(2, 1, "b")]);
        assert_eq!(at_once(&mut waiting, far_away()), Some(vec![1]));
    }

    #[tokio::test]
    async fn what_has_waited_too_long_is_left_to_the_relay() {
        let late = |outbox_id| {
            let committed = Instant::now().checked_sub(TOO_LONG).unwrap();
            HandOver { committed, ..hand_over(outbox_id, 1, "late") }
        };
        let (near, mut waiting) = filled([late(1), hand_over(2, 1, "a"), late(3), hand_over(4, 1, "b"), late(5)]);
        assert_eq!(at_once(&mut waiting, Instant::now()), Some(vec![2, 4]));
        near.reserve().unwrap().send(late(6));
        drop(near);
        assert_eq!(at_once(&mut waiting, Instant::now()), None);
    }

    #[tokio::test]
    async fn what_is_too_much_to_wait_is_left_to_the_relay_until_it_is_taken_off() {
        let long = "🦀".repeat(10_000);
        let quarter = |outbox_id| hand_over(outbox_id, MAX_WAITING_BYTES / 4 / long.len() + 1, &long);
        let (near, mut waiting) = filled((1..=4).map(quarter));
        assert!(near.reserve().is_none());
        assert_eq!(at_once(&mut waiting, Instant::now()), Some(vec![1]));
        let place = near.reserve();
        assert!(place.is_some());
        // Also what is taken off too late, and what was never sent, makes room.
        let committed = Instant::now().checked_sub(TOO_LONG).unwrap();
        drop(place);
        near.reserve().unwrap().send(HandOver { committed, ..quarter(5) });
        assert!(near.reserve().is_none());
        for left in [Some(vec![2]), Some(vec![3]), Some(vec![4])] {
            assert_eq!(at_once(&mut waiting, Instant::now()), left);
        }
        near.reserve().unwrap().send(hand_over(6, 1, "a"));
        assert_eq!(at_once(&mut waiting, Instant::now()), Some(vec![6]));
        assert_eq!(near.bytes.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn the_last_ones_are_written_when_there_can_be_no_more() {
        let (near, mut waiting) = filled([hand_over(1, 1, "a")]);
        drop(near);
        assert_eq!(at_once(&mut waiting, far_away()), Some(vec![1]));
        assert_eq!(at_once(&mut waiting, far_away()), None);
    }
}
