//! Turns a payload into entries of a batch. Nothing that arrives is dropped here: what cannot be read becomes a dead letter, and
//! stands in the batch beside its sound neighbours.

use domain::{EventId, Timestamp};
use events::{Decoded, Epoch, Item};
use store::dead_letters::DeadLetter;
use trace::Context;

use crate::letters;

/// What a payload holds.
#[derive(Debug)]
pub(crate) enum Content {
    /// Creates, in the order of acceptance.
    Items(Vec<Entry>),
    /// No envelope, or of no epoch that there can be: the dead letter that stands for it.
    Unreadable(Box<Entry>),
    /// Somebody asks to be told when all that came before is committed.
    Fence(Epoch),
}

impl Content {
    /// The epoch that it names, if it names one to anybody.
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Items(entries) => entries.iter().find_map(|entry| entry.epoch),
            Self::Fence(epoch) => Some(*epoch),
            Self::Unreadable(_) => None,
        }
    }

    /// Of a payload whose epoch nobody can have opened: whatever stands in it, nothing of it was numbered here.
    pub(crate) fn never_opened(payload: &[u8], epoch: Epoch) -> Self {
        Self::unreadable(payload, format!("epoch {epoch} was never opened"))
    }

    fn unreadable(payload: &[u8], why: String) -> Self {
        let letter = letters::undecodable_payload(payload, why);
        Self::Unreadable(Box::new(Entry { epoch: None, subject: Subject::Dead(letter) }))
    }
}

/// One thing to be stored.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The epoch that its envelope names; `None` if it could not be read.
    pub(crate) epoch: Option<Epoch>,
    pub(crate) subject: Subject,
}

/// What an entry asks for.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// To be inserted.
    Item(Item),
    /// Of an earlier epoch than its partition's: whether its number is still its own must be asked first.
    Straggler(Item),
    /// A straggler whose number may have been given to another: stored under this event already, or a conflict.
    Disputed(Item),
    /// To be kept as a dead letter.
    Dead(DeadLetter),
}

impl Subject {
    /// The event's name: of a dead letter only where it could be read, or was made of what could not.
    pub(crate) fn event_id(&self) -> Option<EventId> {
        match self {
            Self::Item(item) | Self::Straggler(item) | Self::Disputed(item) => Some(item.event_id()),
            Self::Dead(letter) => letter.identity.event_id,
        }
    }

    /// The item, unless it is kept as a dead letter.
    pub(crate) fn item(&self) -> Option<&Item> {
        match self {
            Self::Item(item) | Self::Straggler(item) | Self::Disputed(item) => Some(item),
            Self::Dead(_) => None,
        }
    }
}

impl Entry {
    /// Whether it counts as a chat in a batch's size; all else counts as a message.
    pub(crate) fn is_chat(&self) -> bool {
        self.subject.item().is_some_and(|item| item.message().is_none())
    }

    /// Where its trace goes on, if it is told.
    pub(crate) fn trace(&self) -> Option<Context> {
        Context::parse(self.subject.item()?.trace()?.as_bytes()).filter(|context| context.is_sampled())
    }

    /// When it was accepted; `None` if it cannot be read.
    pub(crate) fn created_at(&self) -> Option<Timestamp> {
        self.subject.item().map(Item::created_at)
    }
}

/// Reads a payload.
pub(crate) fn read(payload: &[u8]) -> Content {
    match events::decode(payload) {
        Ok(Decoded::Fence { epoch }) => Content::Fence(epoch),
        Ok(Decoded::Items { epoch, items }) => {
            let subject = |item| match item {
                Ok(item) => Subject::Item(item),
                Err(bad) => Subject::Dead(letters::undecodable_item(&bad)),
            };
            Content::Items(items.into_iter().map(|item| Entry { epoch: Some(epoch), subject: subject(item) }).collect())
        }
        Err(error) => Content::unreadable(payload, error.to_string()),
    }
}

/// Marks the items of earlier epochs than `current`, which is raised by what comes.
pub(crate) fn mark_stragglers(entries: &mut [Entry], current: &mut Epoch) {
    for entry in entries {
        let Some(epoch) = entry.epoch else { continue };
        if epoch >= *current {
            *current = epoch;
        } else if let Subject::Item(item) = &entry.subject {
            entry.subject = Subject::Straggler(item.clone());
        }
    }
}

#[cfg(test)]
pub(crate) mod sample {
    //! Entries for the tests of the other modules.

    use domain::{ApplicationId, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
    use events::{ChatCreated, Epoch, Item, MessageCreated};

    use super::{Entry, Subject};

    pub(crate) fn chat(number: u64) -> Entry {
        entry(Item::Chat(ChatCreated {
            event_id: EventId::generate(),
            application_id: ApplicationId::new(1),
            number: ChatNumber::new(number).unwrap(),
            name: None,
            created_at: Timestamp::now(),
            request_id: "r".to_owned(),
            trace: None,
        }))
    }

    pub(crate) fn message(chat: u64, number: u64) -> Entry {
        entry(Item::Message(MessageCreated {
            event_id: EventId::generate(),
            application_id: ApplicationId::new(1),
            chat: ChatNumber::new(chat).unwrap(),
            number: MessageNumber::new(number).unwrap(),
            body: MessageBody::new("text").unwrap(),
            created_at: Timestamp::now(),
            request_id: "r".to_owned(),
            trace: None,
        }))
    }

    fn entry(item: Item) -> Entry {
        Entry { epoch: Some(Epoch::new(1)), subject: Subject::Item(item) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_item_stands_among_its_neighbours_as_a_dead_letter() {
        let Subject::Item(first) = sample::message(1, 1).subject else { panic!("an item") };
        let sound = serde_json::to_string(&first).unwrap();
        let payload = format!(r#"{{"v":1,"kind":"items","epoch":7,"items":[{sound},{{"type":"message"}},{sound}]}}"#);
        let Content::Items(entries) = read(payload.as_bytes()) else { panic!("items") };
        let kinds: Vec<_> = entries.iter().map(|entry| matches!(entry.subject, Subject::Dead(_))).collect();
        assert_eq!(kinds, [false, true, false]);
        assert!(entries.iter().all(|entry| entry.epoch == Some(Epoch::new(7))));
    }

    #[test]
    fn a_fence_and_what_is_no_envelope_are_told_apart() {
        assert!(matches!(read(br#"{"v":1,"kind":"fence","epoch":3}"#), Content::Fence(epoch) if epoch == Epoch::new(3)));
        assert!(matches!(read(b"\xff not json"), Content::Unreadable(_)));
        assert!(matches!(read(br#"{"v":99,"kind":"items","epoch":3}"#), Content::Unreadable(_)));
        assert!(matches!(read(br#"{"v":1,"kind":"items","epoch":3}"#), Content::Unreadable(_)));
    }

    #[test]
    fn only_items_behind_a_later_epoch_are_stragglers() {
        let mut entries: Vec<Entry> = [(2, 1), (2, 2), (3, 3), (2, 4), (3, 5)]
            .map(|(epoch, number)| Entry { epoch: Some(Epoch::new(epoch)), ..sample::message(1, number) })
            .into();
        let mut current = Epoch::new(2);
        mark_stragglers(&mut entries, &mut current);
        let stragglers: Vec<_> = entries.iter().map(|entry| matches!(entry.subject, Subject::Straggler(_))).collect();
        assert_eq!(stragglers, [false, false, false, true, false]);
        assert_eq!(current, Epoch::new(3));
    }
}
