//! What a part of a batch asks of the tables: rows to insert and dead letters to keep, sorted out before and, when a number
//! turns out to be taken, after a look at what is stored. Pure: it must never touch a table itself.
//!
//! The rule throughout: the same event again asks for nothing, another event under a number that is taken becomes a dead letter,
//! and nothing is ever dropped otherwise.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map::Entry as Slot};

use domain::{ApplicationId, ChatNumber, EventId, MessageNumber};
use events::{ChatCreated, Item, MessageCreated};
use store::{Range, dead_letters::DeadLetter};

use crate::{
    decode::{Entry, Subject},
    letters,
};

/// Takes another's row for its own: a feature that only the history checker's own test turns on.
const ANY_EVENT_WILL_DO: bool = cfg!(feature = "broken-event-id");

/// A chat's key.
pub(crate) type ChatKey = (ApplicationId, ChatNumber);

/// A message's key.
pub(crate) type MessageKey = (ApplicationId, ChatNumber, MessageNumber);

/// The number that an item claims: a chat's, or a message's in a chat.
pub(crate) type Claim = (ApplicationId, ChatNumber, Option<MessageNumber>);

/// Which event stands under a number that is taken.
pub(crate) type Taken = HashMap<Claim, EventId>;

pub(crate) fn claim(item: &Item) -> Claim {
    (item.application_id(), item.chat(), item.message())
}

/// Rows to insert and dead letters to keep, each in the order of the queue.
#[derive(Debug, Default)]
pub(crate) struct Plan<'a> {
    pub(crate) chats: Vec<&'a ChatCreated>,
    pub(crate) messages: Vec<&'a MessageCreated>,
    /// Items whose number may have been given to another: never inserted, only compared with what is stored.
    pub(crate) disputed: Vec<&'a Item>,
    pub(crate) dead: Vec<DeadLetter>,
}

impl<'a> Plan<'a> {
    /// Sorts entries out; events in `dismissed` became dead letters earlier and are passed over.
    pub(crate) fn of(entries: &'a [Entry], dismissed: &HashSet<EventId>) -> Self {
        let mut plan = Self::default();
        let mut claims = HashMap::with_capacity(entries.len());
        for entry in entries {
            let (item, disputed) = match &entry.subject {
                Subject::Item(item) => (item, false),
                Subject::Straggler(item) | Subject::Disputed(item) => (item, true),
                Subject::Dead(letter) => {
                    if letter.identity.event_id.is_none_or(|event| !dismissed.contains(&event)) {
                        plan.dead.push(letter.clone());
                    }
                    continue;
                }
            };
            if dismissed.contains(&item.event_id()) {
                continue;
            }
            match claims.entry(claim(item)) {
                Slot::Occupied(first) if *first.get() == item.event_id() => {}
                Slot::Occupied(first) => plan.dead.push(letters::conflict(item, *first.get())),
                Slot::Vacant(free) => {
                    free.insert(item.event_id());
                    plan.insert(item, disputed);
                }
            }
        }
        plan
    }

    fn insert(&mut self, item: &'a Item, disputed: bool) {
        match item {
            _ if disputed => self.disputed.push(item),
            Item::Chat(chat) => self.chats.push(chat),
            Item::Message(message) => self.messages.push(message),
        }
    }

    /// Takes out what is stored already, and makes conflicts of what stands under a number that another event has.
    pub(crate) fn yield_to(&mut self, taken: &Taken) {
        let dead = &mut self.dead;
        let mut free = |claim: Claim, event: EventId, item: &dyn Fn() -> Item| match taken.get(&claim) {
            None => true,
            Some(stored) => {
                if *stored != event && !ANY_EVENT_WILL_DO {
                    dead.push(letters::conflict(&item(), *stored));
                }
                false
            }
        };
        self.chats.retain(|chat| free((chat.application_id, chat.number, None), chat.event_id, &|| Item::Chat((*chat).clone())));
        self.messages.retain(|message| {
            let claim = (message.application_id, message.chat, Some(message.number));
            free(claim, message.event_id, &|| Item::Message((*message).clone()))
        });
    }

    /// Ends the disputes: stored under this very event is done, everything else is a conflict.
    pub(crate) fn settle_disputes(&mut self, taken: &Taken) {
        for item in self.disputed.drain(..) {
            match taken.get(&claim(item)) {
                Some(stored) if *stored == item.event_id() => {}
                Some(stored) => self.dead.push(letters::conflict(item, *stored)),
                None => self.dead.push(letters::straggler(item)),
            }
        }
    }

    /// The chat numbers that the plan's items claim.
    pub(crate) fn chat_keys(&self) -> Vec<ChatKey> {
        let disputed = self.disputed.iter().filter(|item| item.message().is_none());
        let chats = self.chats.iter().map(|chat| (chat.application_id, chat.number));
        chats.chain(disputed.map(|item| (item.application_id(), item.chat()))).collect()
    }

    /// The message numbers that the plan's items claim.
    pub(crate) fn message_keys(&self) -> Vec<MessageKey> {
        let disputed = self.disputed.iter().filter_map(|item| Some((item.application_id(), item.chat(), item.message()?)));
        let messages = self.messages.iter().map(|message| (message.application_id, message.chat, message.number));
        messages.chain(disputed).collect()
    }

    /// The chats that the messages need and that `known` does not vouch for.
    pub(crate) fn chats_to_look_up(&self, known: impl Fn(&ChatKey) -> bool) -> Vec<ChatKey> {
        let keys: HashSet<ChatKey> = self.messages.iter().map(|message| (message.application_id, message.chat)).collect();
        let mut unknown: Vec<_> = keys.into_iter().filter(|key| !known(key)).collect();
        unknown.sort_unstable();
        unknown
    }

    /// Makes dead letters of the messages whose chat is not there.
    pub(crate) fn forsake(&mut self, missing: &HashSet<ChatKey>) {
        let dead = &mut self.dead;
        self.messages.retain(|message| {
            let forsaken = missing.contains(&(message.application_id, message.chat));
            if forsaken {
                dead.push(letters::chat_missing(message));
            }
            !forsaken
        });
    }

    /// Takes in what another plan of the same transaction has to insert and to keep.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.chats.extend(other.chats);
        self.messages.extend(other.messages);
        self.disputed.extend(other.disputed);
        self.dead.extend(other.dead);
    }

    /// Chats to insert by application: what the count job has to add.
    pub(crate) fn chats_added(&self) -> BTreeMap<ApplicationId, u64> {
        tally(self.chats.iter().map(|chat| chat.application_id))
    }

    /// Messages to insert by chat: what the count job has to add.
    pub(crate) fn messages_added(&self) -> BTreeMap<ChatKey, u64> {
        tally(self.messages.iter().map(|message| (message.application_id, message.chat)))
    }

    /// The messages to insert, as the outbox speaks of them.
    pub(crate) fn ranges(&self) -> Vec<Range> {
        Range::cover(self.messages.iter().map(|message| (message.application_id, message.chat, message.number)))
    }
}

fn tally<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use store::dead_letters::Reason;

    use super::*;
    use crate::decode::sample::{chat, message};

    fn item(entry: &Entry) -> &Item {
        entry.subject.item().unwrap()
    }

    fn disputed(entry: &Entry) -> Entry {
        Entry { epoch: entry.epoch, subject: Subject::Disputed(item(entry).clone()) }
    }

    fn numbers(plan: &Plan<'_>) -> Vec<u64> {
        plan.messages.iter().map(|message| message.number.get()).collect()
    }

    fn reasons(plan: &Plan<'_>) -> Vec<Reason> {
        plan.dead.iter().map(|letter| letter.reason).collect()
    }

    #[test]
    fn of_two_claims_to_a_number_the_first_holds_and_a_repetition_is_passed_over() {
        let entries = [message(1, 1), message(1, 2), message(1, 1)];
        let entries = [&entries[0], &entries[1], &entries[0], &entries[2]].map(Clone::clone);
        let plan = Plan::of(&entries, &HashSet::new());
        assert_eq!((numbers(&plan), reasons(&plan)), (vec![1, 2], vec![Reason::Conflict]));
    }

    #[test]
    fn what_became_a_dead_letter_earlier_claims_nothing() {
        let entries = [message(1, 1), message(1, 1)];
        let plan = Plan::of(&entries, &HashSet::from([item(&entries[0]).event_id()]));
        assert_eq!((numbers(&plan), plan.dead.len()), (vec![1], 0));
        assert_eq!(plan.messages[0].event_id, item(&entries[1]).event_id());

        let dead = |entry: &Entry| Entry { epoch: entry.epoch, subject: Subject::Dead(letters::straggler(item(entry))) };
        let letters = entries.each_ref().map(dead);
        let plan = Plan::of(&letters, &HashSet::from([item(&entries[0]).event_id()]));
        assert_eq!(plan.dead.iter().map(|letter| letter.identity).collect::<Vec<_>>(), [item(&entries[1]).into()]);
    }

    #[test]
    fn a_taken_number_is_done_with_or_a_conflict() {
        let entries = [chat(1), chat(2), message(1, 1), message(1, 2), message(1, 3)];
        let stored = |entry: &Entry| (claim(item(entry)), item(entry).event_id());
        let taken: Taken = [
            stored(&entries[0]),
            (claim(item(&entries[1])), EventId::generate()),
            stored(&entries[2]),
            (claim(item(&entries[3])), EventId::generate()),
        ]
        .into();
        let mut plan = Plan::of(&entries, &HashSet::new());
        plan.yield_to(&taken);
        assert!(plan.chats.is_empty());
        assert_eq!((numbers(&plan), reasons(&plan)), (vec![3], vec![Reason::Conflict; 2]));
        assert!(plan.chats_added().is_empty());
        assert_eq!(plan.messages_added().into_values().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_dispute_ends_in_peace_only_with_the_very_same_event() {
        let entries = [message(1, 1), message(1, 2), message(1, 3)].map(|entry| disputed(&entry));
        let taken: Taken =
            [(claim(item(&entries[0])), item(&entries[0]).event_id()), (claim(item(&entries[1])), EventId::generate())].into();
        let mut plan = Plan::of(&entries, &HashSet::new());
        assert_eq!((plan.message_keys().len(), plan.chat_keys().len()), (3, 0));
        plan.settle_disputes(&taken);
        assert_eq!((numbers(&plan), reasons(&plan)), (vec![], vec![Reason::Conflict; 2]));
    }

    #[test]
    fn messages_without_their_chat_become_dead_letters() {
        let entries = [message(1, 1), message(2, 1), message(2, 2), message(1, 2)];
        let mut plan = Plan::of(&entries, &HashSet::new());
        let unknown = plan.chats_to_look_up(|(_, chat)| chat.get() == 1);
        assert_eq!(unknown.len(), 1);
        plan.forsake(&unknown.into_iter().collect());
        assert_eq!((numbers(&plan), reasons(&plan)), (vec![1, 2], vec![Reason::ChatMissing; 2]));
        assert_eq!(plan.ranges().len(), 1);
    }
}
