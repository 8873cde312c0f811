//! The bounded queue in front of the broker, already sorted into the groups that will leave together.
//!
//! Callers of any thread put items in; one task takes groups out. Nothing waits while the lock is held.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use events::{Epoch, Item, Partition};
use tokio::sync::{Notify, oneshot};

use crate::PublishError;

/// Bytes of text after which a group takes no further item. RabbitMQ 4 closes the channel on a message above 16 MiB, and JSON
/// may write a character in six bytes.
const MAX_GROUP_BYTES: usize = 1024 * 1024;

/// An item that waits, and where its caller is told what became of it.
pub(crate) struct Pending {
    pub(crate) item: Item,
    pub(crate) deadline: Instant,
    pub(crate) answer: oneshot::Sender<Result<(), PublishError>>,
}

/// Items that go out in one message, in the order of their arrival.
pub(crate) struct Group {
    pub(crate) epoch: Epoch,
    pub(crate) partition: Partition,
    pub(crate) waiting: VecDeque<Pending>,
}

impl Group {
    /// How many of the first items go into one message; at least one.
    fn fitting(&self, limit: usize) -> usize {
        let mut bytes = 0;
        let fit = self.waiting.iter().take(limit).take_while(|pending| {
            let fits = bytes < MAX_GROUP_BYTES;
            bytes += text_bytes(&pending.item);
            fits
        });
        fit.count()
    }
}

/// The part of an item's size that can be large.
fn text_bytes(item: &Item) -> usize {
    match item {
        Item::Chat(chat) => chat.name.as_ref().map_or(0, |name| name.as_str().len()),
        Item::Message(message) => message.body.as_str().len(),
    }
}

/// The queue. Its capacity counts items.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    arrived: Notify,
    capacity: usize,
}

#[derive(Default)]
struct Inner {
    /// One a routing key that has items waiting; the one whose turn is next comes first.
    groups: VecDeque<Group>,
    items: usize,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { inner: Mutex::default(), arrived: Notify::new(), capacity }
    }

    /// Puts an item at the end of its group.
    ///
    /// # Errors
    /// [`PublishError::QueueFull`], or [`PublishError::Unavailable`] after [`Queue::close`].
    pub(crate) fn push(&self, epoch: Epoch, partition: Partition, pending: Pending) -> Result<(), PublishError> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(PublishError::Unavailable);
        }
        if inner.items >= self.capacity {
            return Err(PublishError::QueueFull);
        }
        inner.items += 1;
        let is_first = inner.items == 1;
        // As many groups as partitions, seldom more: looking through them beats hashing.
        match inner.groups.iter_mut().find(|group| group.partition == partition && group.epoch == epoch) {
            Some(group) => group.waiting.push_back(pending),
            None => inner.groups.push_back(Group { epoch, partition, waiting: VecDeque::from([pending]) }),
        }
        drop(inner);
        if is_first {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Takes the group whose turn it is, or as much of it as fits into one message: at most `limit` items and about
    /// [`MAX_GROUP_BYTES`].
    pub(crate) fn take(&self, limit: usize) -> Option<Group> {
        let mut inner = self.lock();
        let mut group = inner.groups.pop_front()?;
        let fitting = group.fitting(limit);
        if fitting < group.waiting.len() {
            let rest = group.waiting.split_off(fitting);
            inner.groups.push_back(Group { epoch: group.epoch, partition: group.partition, waiting: rest });
        }
        inner.items -= group.waiting.len();
        Some(group)
    }

    /// Takes every item whose deadline is not after `now`.
    pub(crate) fn take_expired(&self, now: Instant) -> Vec<Pending> {
        let mut expired = Vec::new();
        let mut inner = self.lock();
        for group in &mut inner.groups {
            if group.waiting.iter().all(|pending| pending.deadline > now) {
                continue;
            }
            let (kept, late) = std::mem::take(&mut group.waiting).into_iter().partition(|pending| pending.deadline > now);
            group.waiting = kept;
            let late: VecDeque<Pending> = late;
            expired.extend(late);
        }
        inner.groups.retain(|group| !group.waiting.is_empty());
        inner.items -= expired.len();
        expired
    }

    /// Takes everything.
    pub(crate) fn take_all(&self) -> Vec<Pending> {
        let mut inner = self.lock();
        inner.items = 0;
        std::mem::take(&mut inner.groups).into_iter().flat_map(|group| group.waiting).collect()
    }

    /// Refuses items from now on; what waits still goes out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().items
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    /// Waits until an item has come into the empty queue. May return when there is none.
    pub(crate) async fn arrival(&self) {
        self.arrived.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
