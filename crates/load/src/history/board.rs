//! What the clients tell one another: which chats there are, and which numbers were acknowledged in them. No more than real
//! clients of one application would know.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use rand::{Rng, rngs::StdRng};

use super::record::{Place, Series};

/// Messages up to this number are updated and read again and again, by all clients; the first page of the list shows them.
const HOT: u64 = 50;
/// Half of all calls go to so many of the oldest chats.
const BUSY_CHATS: usize = 4;

/// A chat that was acknowledged.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) messages: Series,
    /// The highest message number that was acknowledged.
    last: AtomicU64,
    /// One bit for each of the hot numbers that was acknowledged.
    hot: AtomicU64,
}

impl Chat {
    /// Messages were acknowledged from this number on.
    pub(crate) fn acknowledged(&self, first: u64, items: u16) {
        let behind = first + u64::from(items);
        self.last.fetch_max(behind - 1, Ordering::Relaxed);
        let bits = (first..behind.min(HOT + 1)).fold(0, |bits, number| bits | 1 << number);
        self.hot.fetch_or(bits, Ordering::Relaxed);
    }

    /// A hot message that was acknowledged.
    pub(crate) fn hot(&self, random: &mut StdRng) -> Option<Place> {
        let bits = self.hot.load(Ordering::Relaxed);
        // Beside one another lie rivals: a few messages get most of the updates.
        let wanted = random.random_range(1..=HOT).min(random.random_range(1..=HOT));
        let number = (wanted..=HOT).chain(1..wanted).find(|number| bits & 1 << number != 0)?;
        Some(Place { series: self.messages, number })
    }

    /// A number worth asking for: hot, among the last, anywhere, or just beyond what was acknowledged.
    pub(crate) fn any(&self, random: &mut StdRng) -> Place {
        let last = self.last.load(Ordering::Relaxed);
        let number = match random.random_range(0..10) {
            0..5 => random.random_range(1..=HOT),
            5..8 => last.saturating_sub(random.random_range(0..5)),
            8 => random.random_range(0..=last),
            _ => last + random.random_range(1..4),
        };
        Place { series: self.messages, number: number.max(1) }
    }
}

/// The chats of all applications, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Board {
    chats: RwLock<Vec<Arc<Chat>>>,
}

impl Board {
    /// A chat was acknowledged with this number.
    pub(crate) fn add(&self, application: u16, chat: u32) -> Arc<Chat> {
        let messages = Series { application, chat };
        let added = Arc::new(Chat { messages, last: AtomicU64::new(0), hot: AtomicU64::new(0) });
        self.chats.write().unwrap_or_else(PoisonError::into_inner).push(added.clone());
        added
    }

    pub(crate) fn len(&self) -> usize {
        self.all().len()
    }

    pub(crate) fn pick(&self, random: &mut StdRng) -> Option<Arc<Chat>> {
        let chats = self.all();
        let among = if random.random_bool(0.5) { chats.len().min(BUSY_CHATS) } else { chats.len() };
        (among > 0).then(|| chats[random.random_range(0..among)].clone())
    }

    pub(crate) fn chats(&self) -> Vec<Arc<Chat>> {
        self.all().clone()
    }

    fn all(&self) -> std::sync::RwLockReadGuard<'_, Vec<Arc<Chat>>> {
        self.chats.read().unwrap_or_else(PoisonError::into_inner)
    }
}
