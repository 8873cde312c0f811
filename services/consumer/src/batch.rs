//! Gathers what arrives on a partition until there is enough of it or it has waited long enough.
//!
//! Sizes count items, for an AMQP message holds from one to hundreds of them. A delivery is never torn apart here, because it is
//! acknowledged as a whole. And nothing is waited for that cannot come: a batch of as many deliveries as may be unacknowledged is
//! complete, however few their items. The time is a parameter, so that nothing here waits.

use std::{ops::Range, time::Duration};

use tokio::time::Instant;

use crate::decode::Entry;

/// The most bytes of payload in a batch, whatever its limits in items: it bounds the memory, and the transaction.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// When a batch is complete.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Chats in a transaction.
    pub(crate) chats: usize,
    /// Messages (and items that cannot be read) in a transaction.
    pub(crate) messages: usize,
    /// Deliveries that the broker gives before it wants to hear of one.
    pub(crate) deliveries: usize,
    /// How long the first entry waits for others.
    pub(crate) wait: Duration,
}

/// Entries that are stored together, and the last of the deliveries (`D`) that brought them.
#[derive(Debug)]
pub(crate) struct Batch<D> {
    /// In the order of the queue.
    pub(crate) entries: Vec<Entry>,
    /// The last delivery: acknowledging it acknowledges all before it.
    pub(crate) last: Option<D>,
    deliveries: usize,
    counts: Counts,
    bytes: usize,
    since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    chats: usize,
    messages: usize,
}

impl Counts {
    fn add(&mut self, entry: &Entry) {
        if entry.is_chat() { self.chats += 1 } else { self.messages += 1 }
    }

    fn exceed(self, limits: Limits) -> bool {
        self.chats > limits.chats || self.messages > limits.messages
    }
}

impl<D> Batch<D> {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), last: None, deliveries: 0, counts: Counts::default(), bytes: 0, since: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// Whether the entries still go into the same transaction with those that are here. An empty batch takes everything.
    pub(crate) fn has_room(&self, limits: Limits, entries: &[Entry], bytes: usize) -> bool {
        let mut counts = self.counts;
        entries.iter().for_each(|entry| counts.add(entry));
        self.is_empty() || (!counts.exceed(limits) && self.bytes + bytes <= MAX_BYTES)
    }

    /// Adds a delivery of so many bytes and what it brought.
    pub(crate) fn add(&mut self, delivery: D, entries: Vec<Entry>, bytes: usize, now: Instant) {
        entries.iter().for_each(|entry| self.counts.add(entry));
        self.entries.extend(entries);
        self.last = Some(delivery);
        self.deliveries += 1;
        self.bytes += bytes;
        self.since.get_or_insert(now);
    }

    /// Whether nothing more should be waited for.
    pub(crate) fn is_full(&self, limits: Limits) -> bool {
        let of_items = self.counts.chats >= limits.chats || self.counts.messages >= limits.messages;
        of_items || self.deliveries >= limits.deliveries || self.bytes >= MAX_BYTES
    }

    /// Until when others may join; `None` while it is empty.
    pub(crate) fn due(&self, limits: Limits) -> Option<Instant> {
        self.since.map(|since| since + limits.wait)
    }
}

/// Cuts entries into ranges that keep to the limits. Only a delivery larger than a batch gives more than one.
pub(crate) fn cut(entries: &[Entry], limits: Limits) -> Vec<Range<usize>> {
    let mut ranges = Vec::with_capacity(1);
    let (mut start, mut counts) = (0, Counts::default());
    for (index, entry) in entries.iter().enumerate() {
        counts.add(entry);
        if counts.exceed(limits) {
            ranges.push(start..index);
            (start, counts) = (index, Counts::default());
            counts.add(entry);
        }
    }
    ranges.push(start..entries.len());
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::sample;

    const LIMITS: Limits = Limits { chats: 2, messages: 3, deliveries: 4, wait: Duration::from_millis(50) };

    fn entries(kinds: &str) -> Vec<Entry> {
        (1..)
            .zip(kinds.chars())
            .map(|(number, kind)| if kind == 'c' { sample::chat(number) } else { sample::message(1, number) })
            .collect()
    }

    #[test]
    fn a_batch_is_full_when_either_kind_has_reached_its_size() {
        for (kinds, full) in
            [("", false), ("c", false), ("cc", true), ("mm", false), ("mmm", true), ("cmm", false), ("cmcm", true)]
        {
            let mut batch = Batch::new();
            batch.add((), entries(kinds), 10, Instant::now());
            assert_eq!(batch.is_full(LIMITS), full, "{kinds}");
        }
    }

    #[test]
    fn a_batch_of_all_that_the_broker_gives_is_full_however_little_that_is() {
        let mut batch = Batch::new();
        for kinds in ["m", "", "c"] {
            batch.add((), entries(kinds), 10, Instant::now());
            assert!(!batch.is_full(LIMITS), "{kinds}");
        }
        batch.add((), entries(""), 10, Instant::now());
        assert!(batch.is_full(LIMITS));
    }

    #[test]
    fn a_delivery_joins_only_if_it_fits_but_an_empty_batch_takes_any() {
        let mut batch = Batch::new();
        assert!(batch.has_room(LIMITS, &entries("mmmmmmm"), MAX_BYTES * 2));
        batch.add((), entries("cmm"), 10, Instant::now());
        assert!(batch.has_room(LIMITS, &entries("cm"), 10));
        assert!(!batch.has_room(LIMITS, &entries("mm"), 10));
        assert!(!batch.has_room(LIMITS, &entries("cc"), 10));
        assert!(!batch.has_room(LIMITS, &entries("m"), MAX_BYTES));
    }

    #[test]
    fn the_first_entry_sets_the_time() {
        let mut batch = Batch::new();
        assert_eq!(batch.due(LIMITS), None);
        let start = Instant::now();
        batch.add((), entries("m"), 1, start);
        batch.add((), entries("m"), 1, start + Duration::from_millis(30));
        assert_eq!(batch.due(LIMITS), Some(start + LIMITS.wait));
    }

    #[test]
    fn a_delivery_larger_than_a_batch_is_cut_into_transactions() {
        assert!(cut(&entries("cmm"), LIMITS).into_iter().eq(std::iter::once(0..3)));
        assert_eq!(cut(&entries("mmmmmmm"), LIMITS), [0..3, 3..6, 6..7]);
        assert_eq!(cut(&entries("cccmmmm"), LIMITS), [0..2, 2..6, 6..7]);
        let one_by_one = Limits { chats: 1, messages: 1, ..LIMITS };
        assert_eq!(cut(&entries("cmm"), one_by_one), [0..2, 2..3]);
    }
}
