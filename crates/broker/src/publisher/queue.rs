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

/// Bytes of text, as JSON writes it, of a group of several callers at most. RabbitMQ 4 closes the channel on a message above 16
/// MiB, and a consumer's memory is reckoned with some 2 MiB a message. (What one caller publishes together came as JSON of at
/// most 2 MiB, and is no longer as JSON again.)
const MAX_GROUP_BYTES: usize = 1024 * 1024;

/// What one caller publishes: its items go out in one message, in their order, so that all of them are stored or none is. Several
/// are bounded in size by the caller: some megabytes, as the broker takes them.
#[derive(Debug)]
pub enum Items {
    /// A lone one, as most are.
    One(Item),
    /// Items of one chat that were accepted together. At least one.
    Several(Vec<Item>),
}

impl From<Item> for Items {
    fn from(item: Item) -> Self {
        Self::One(item)
    }
}

impl Items {
    pub(crate) fn as_slice(&self) -> &[Item] {
        match self {
            Self::One(item) => std::slice::from_ref(item),
            Self::Several(items) => items,
        }
    }

    /// How many they are.
    #[allow(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(crate) fn append_to(self, all: &mut Vec<Item>) {
        match self {
            Self::One(item) => all.push(item),
            Self::Several(items) => all.extend(items),
        }
    }

    fn text_bytes(&self) -> usize {
        self.as_slice().iter().map(text_bytes).sum()
    }
}

/// Items that wait, and where their caller is told what became of them.
pub(crate) struct Pending {
    pub(crate) items: Items,
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
    /// How many of the first callers' items go into one message; at least one caller's, however many they are.
    fn fitting(&self, limit: usize) -> usize {
        let (mut items, mut bytes) = (0, 0);
        let fit = self.waiting.iter().take_while(|pending| {
            let is_first = items == 0;
            bytes += pending.items.text_bytes();
            items += pending.items.len();
            is_first || (bytes <= MAX_GROUP_BYTES && items <= limit)
        });
        fit.count()
    }

    fn items(&self) -> usize {
        count(&self.waiting)
    }
}

fn count<'a>(waiting: impl IntoIterator<Item = &'a Pending>) -> usize {
    waiting.into_iter().map(|pending| pending.items.len()).sum()
}

/// The part of an item's size that can be large, at its largest: JSON writes some of the control characters in six bytes.
fn text_bytes(item: &Item) -> usize {
    let text = match item {
        Item::Chat(chat) => chat.name.as_ref().map_or("", |name| name.as_str()),
        Item::Message(message) => message.body.as_str(),
    };
    let written = |byte| match byte {
        ..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    text.bytes().map(written).sum()
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

    /// Puts a caller's items at the end of their group.
    ///
    /// # Errors
    /// [`PublishError::QueueFull`], or [`PublishError::Unavailable`] after [`Queue::close`].
    pub(crate) fn push(&self, epoch: Epoch, partition: Partition, pending: Pending) -> Result<(), PublishError> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(PublishError::Unavailable);
        }
        let count = pending.items.len();
        if inner.items + count > self.capacity {
            return Err(PublishError::QueueFull);
        }
        let is_first = inner.items == 0;
        inner.items += count;
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

    /// Takes the group whose turn it is, or as much of it as fits into one message: at most `limit` items and
    /// [`MAX_GROUP_BYTES`], unless a single caller's are more.
    pub(crate) fn take(&self, limit: usize) -> Option<Group> {
        let mut inner = self.lock();
        let mut group = inner.groups.pop_front()?;
        let fitting = group.fitting(limit);
        if fitting < group.waiting.len() {
            let rest = group.waiting.split_off(fitting);
            inner.groups.push_back(Group { epoch: group.epoch, partition: group.partition, waiting: rest });
        }
        inner.items -= group.items();
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
        inner.items -= count(&expired);
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

    /// Whether so many more items would be taken.
    pub(crate) fn has_room(&self, count: usize) -> bool {
        self.len() + count <= self.capacity
    }

    /// Waits until an item has come into the empty queue. May return when there is none.
    pub(crate) async fn arrival(&self) {
        self.arrived.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use domain::{ApplicationId, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
    use events::MessageCreated;

    use super::*;

    fn pending(text: &str, messages: usize) -> Pending {
        let message = Item::Message(MessageCreated {
            event_id: EventId::generate(),
            application_id: ApplicationId::new(1),
            chat: ChatNumber::FIRST,
            number: MessageNumber::new(1).unwrap(),
            body: MessageBody::new(text).unwrap(),
            created_at: Timestamp::now(),
            request_id: "r".to_owned(),
            trace: None,
        });
        let items = if messages == 1 { Items::One(message) } else { Items::Several(vec![message; messages]) };
        Pending { items, deadline: Instant::now(), answer: oneshot::channel().0 }
    }

    /// How many items each message has, and how many bytes the largest.
    fn messages(waiting: Vec<Pending>, limit: usize) -> (Vec<usize>, usize) {
        let queue = Queue::new(10_000);
        let partition = events::PartitionCount::new(1).unwrap().all().next().unwrap();
        for pending in waiting {
            assert!(queue.push(Epoch::new(1), partition, pending).is_ok());
        }
        let (mut counts, mut largest) = (Vec::new(), 0);
        while let Some(group) = queue.take(limit) {
            let mut items = Vec::new();
            group.waiting.into_iter().for_each(|pending| pending.items.append_to(&mut items));
            counts.push(items.len());
            largest = largest.max(events::encode_items(group.epoch, &items).unwrap().len());
        }
        (counts, largest)
    }

    #[test]
    fn a_message_has_as_many_items_as_it_may_and_what_belongs_together_is_not_parted() {
        let waiting = [1, 1, 1, 5, 1, 2, 1].map(|messages| pending("text", messages));
        assert_eq!(messages(waiting.into(), 3).0, [3, 5, 3, 1]);
    }

    #[test]
    fn a_message_is_no_larger_than_is_reckoned_with_however_json_writes_its_texts() {
        for text in ["x".repeat(10_000), "🦀".repeat(10_000), "\u{1}".repeat(10_000), "\"".repeat(10_000)] {
            let lone = (0..256).map(|_| pending(&text, 1)).collect();
            let (counts, largest) = messages(lone, 256);
            assert_eq!(counts.iter().sum::<usize>(), 256);
            assert!((MAX_GROUP_BYTES / 2..MAX_GROUP_BYTES + 256 * 300).contains(&largest), "{largest}");
        }
        // A batch as large as may be does not join others, nor do others join it.
        let batch = |messages| pending(&"x".repeat(10_000), messages);
        let (counts, largest) = messages(vec![batch(50), batch(200), batch(50)], 256);
        assert_eq!(counts, [50, 200, 50]);
        assert!(largest < 2 * MAX_GROUP_BYTES + 256 * 300, "{largest}");
    }
}
