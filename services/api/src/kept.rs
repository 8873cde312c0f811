//! What of all that is read may lie in the cache, and how: never what is not there, nor a page that may change without an update.

use domain::{Application, DEFAULT_PAGE_LIMIT, Page};
use serde::{Serialize, de::DeserializeOwned};
use store::Lookup;

use crate::record::{Entity, Numbered};

/// What may be kept.
pub(crate) trait Keep: Sized {
    /// What is to lie in the cache; `None` of what may change without an update.
    fn keep(&self) -> Option<Vec<u8>>;

    /// What was kept; `None` when it cannot be read, as when another version of the service has kept it.
    fn restore(kept: &[u8]) -> Option<Self>;
}

/// A page of a list, and how many entries the whole list has, as of the last count, where that is asked for.
///
/// The first one is kept when it is full, no number up to its end is missing, and there is an entry behind it. Then nothing that
/// is stored later can change it: numbers are never given twice, and nothing is deleted. (Were it the list's end, the next entry
/// would change whether there is a next page.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed<T> {
    pub(crate) page: Page<T>,
    pub(crate) total: Option<u64>,
}

/// What is not there is not kept.
impl<T: Keep> Keep for Option<T> {
    fn keep(&self) -> Option<Vec<u8>> {
        self.as_ref()?.keep()
    }

    fn restore(kept: &[u8]) -> Option<Self> {
        T::restore(kept).map(Some)
    }
}

impl Keep for Application {
    fn keep(&self) -> Option<Vec<u8>> {
        write(&self.record())
    }

    fn restore(kept: &[u8]) -> Option<Self> {
        Self::of_record(read(kept)?)
    }
}

impl<T: Numbered> Keep for Lookup<T> {
    fn keep(&self) -> Option<Vec<u8>> {
        match self {
            Self::Found(entity) => write(&entity.record()),
            Self::Missing(_) | Self::NoApplication => None,
        }
    }

    fn restore(kept: &[u8]) -> Option<Self> {
        T::of_record(read(kept)?).map(Self::Found)
    }
}

impl<T: Numbered> Keep for Listed<T> {
    fn keep(&self) -> Option<Vec<u8>> {
        let Self { page, total } = self;
        let numbers = page.entries.iter().map(T::number);
        if !page.has_next || !numbers.eq(1..=DEFAULT_PAGE_LIMIT) {
            return None;
        }
        write(&(total, page.entries.iter().map(T::record).collect::<Vec<_>>()))
    }

    fn restore(kept: &[u8]) -> Option<Self> {
        let (total, records): (Option<u64>, Vec<T::Record>) = read(kept)?;
        let entries = records.into_iter().map(T::of_record).collect::<Option<_>>()?;
        Some(Self { page: Page { entries, has_previous: false, has_next: true }, total })
    }
}

fn write(record: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(record).ok()
}

fn read<T: DeserializeOwned>(kept: &[u8]) -> Option<T> {
    serde_json::from_slice(kept).ok()
}

#[cfg(test)]
mod tests {
    use domain::{
        ApplicationId, ApplicationName, ApplicationToken, Chat, ChatName, ChatNumber, Message, MessageBody, MessageNumber,
        Timestamp,
    };

    use super::*;

    fn message(number: u64) -> Message {
        Message {
            number: MessageNumber::new(number).unwrap(),
            body: MessageBody::new("場 \"quoted\"\n").unwrap(),
            version: 7,
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
        }
    }

    fn page(numbers: impl IntoIterator<Item = u64>, has_next: bool) -> Option<Listed<Message>> {
        let entries = numbers.into_iter().map(message).collect();
        Some(Listed { page: Page { entries, has_previous: false, has_next }, total: Some(1_000) })
    }

    #[test]
    fn what_was_kept_reads_back_whole() {
        let application = Some(Application {
            id: ApplicationId::new(3),
            token: ApplicationToken::generate().unwrap(),
            name: ApplicationName::new("Globe").unwrap(),
            chats_count: 5,
            version: 2,
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
        });
        assert_eq!(Keep::restore(&application.keep().unwrap()), Some(application));
        for name in [None, Some(ChatName::new("Scene").unwrap())] {
            let (created_at, updated_at) = (Timestamp::now(), Timestamp::now());
            let chat = Chat { number: ChatNumber::FIRST, name, messages_count: 9, version: 4, created_at, updated_at };
            let found = Lookup::Found(chat);
            assert_eq!(Keep::restore(&found.keep().unwrap()), Some(found));
        }
        let found = Lookup::Found(message(8));
        assert_eq!(Keep::restore(&found.keep().unwrap()), Some(found));
        let first = page(1..=50, true);
        assert_eq!(Keep::restore(&first.keep().unwrap()), Some(first));
    }

    #[test]
    fn what_may_change_without_an_update_is_not_kept() {
        assert_eq!(None::<Application>.keep(), None);
        assert_eq!(Lookup::<Message>::NoApplication.keep(), None);
        assert_eq!(Lookup::<Message>::Missing(ApplicationId::new(1)).keep(), None);
        assert_eq!(None::<Listed<Message>>.keep(), None);
        for changing in [page(1..=50, false), page(1..=49, true), page((1..=49).chain([51]), true), page([], false)] {
            assert_eq!(changing.keep(), None);
        }
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        for kept in [&b""[..], b"{}", b"[1]", b"{\"number\":0}"] {
            assert_eq!(Lookup::<Message>::restore(kept), None);
            assert_eq!(Option::<Listed<Message>>::restore(kept), None);
        }
    }
}
