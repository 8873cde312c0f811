//! What epochs, processes, numbers and events are called. They are small, so that a state is.

/// Numbered from 1.
pub(crate) type Epoch = u8;
/// Names a Redis process, from 1, in the order of their starts and promotions.
pub(crate) type Run = u8;
/// A message's number, from 1.
pub(crate) type Number = u8;
/// Names a create that has a number: the least that no other has.
pub(crate) type Event = u8;

/// More events, and higher numbers, than any bounds bring that can be checked in a day. A check that has more ends in a panic.
pub(crate) const MAX_EVENTS: usize = 16;
/// The widest bound on replicas.
pub(crate) const MAX_REPLICAS: usize = 3;

/// A set of small numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Set(u16);

impl Set {
    pub(crate) fn contains(self, item: u8) -> bool {
        self.0 & 1 << item != 0
    }

    pub(crate) fn insert(&mut self, item: u8) {
        self.0 |= 1 << item;
    }

    pub(crate) fn remove(&mut self, item: u8) {
        self.0 &= !(1 << item);
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = u8> {
        (0..16).filter(move |item| self.contains(*item))
    }
}

impl FromIterator<u8> for Set {
    fn from_iter<I: IntoIterator<Item = u8>>(items: I) -> Self {
        let mut set = Self::default();
        items.into_iter().for_each(|item| set.insert(item));
        set
    }
}
