//! Runs of messages, as the search outbox speaks of them.

use domain::{ApplicationId, ChatNumber, Invalid, MessageNumber};
use serde::{Deserialize, Serialize};

/// The messages of one chat from `first` to `last`, both included. Numbers in between may be missing from the table.
///
/// Written as the JSON array `[application, chat, first, last]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "[u64; 4]", into = "[u64; 4]")]
pub struct Range {
    /// The chat's application.
    pub application_id: ApplicationId,
    /// The chat.
    pub chat: ChatNumber,
    /// The lowest number.
    pub first: MessageNumber,
    /// The highest number.
    pub last: MessageNumber,
}

impl Range {
    /// The fewest ranges that hold these messages and no other number.
    pub fn cover(keys: impl IntoIterator<Item = (ApplicationId, ChatNumber, MessageNumber)>) -> Vec<Self> {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_unstable();
        let mut ranges: Vec<Self> = Vec::new();
        for (application_id, chat, number) in keys {
            match ranges.last_mut() {
                Some(range) if range.ends_at_or_before(application_id, chat, number) => range.last = number,
                _ => ranges.push(Self { application_id, chat, first: number, last: number }),
            }
        }
        ranges
    }

    /// Whether it holds this message's number.
    pub fn holds(&self, (application_id, chat, number): (ApplicationId, ChatNumber, MessageNumber)) -> bool {
        (self.application_id, self.chat) == (application_id, chat) && (self.first..=self.last).contains(&number)
    }

    fn ends_at_or_before(&self, application_id: ApplicationId, chat: ChatNumber, number: MessageNumber) -> bool {
        self.application_id == application_id && self.chat == chat && number.get() <= self.last.get() + 1
    }
}

impl From<Range> for [u64; 4] {
    fn from(range: Range) -> Self {
        [range.application_id.get(), range.chat.get(), range.first.get(), range.last.get()]
    }
}

impl TryFrom<[u64; 4]> for Range {
    type Error = Invalid;

    fn try_from([application, chat, first, last]: [u64; 4]) -> Result<Self, Invalid> {
        Ok(Self {
            application_id: ApplicationId::new(application),
            chat: ChatNumber::new(chat)?,
            first: MessageNumber::new(first)?,
            last: MessageNumber::new(last)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cover(keys: &[(u64, u64, u64)]) -> String {
        let keys = keys.iter().map(|(application, chat, number)| {
            (ApplicationId::new(*application), ChatNumber::new(*chat).unwrap(), MessageNumber::new(*number).unwrap())
        });
        serde_json::to_string(&Range::cover(keys)).unwrap()
    }

    #[test]
    fn consecutive_numbers_of_a_chat_become_one_range() {
        assert_eq!(cover(&[]), "[]");
        assert_eq!(cover(&[(1, 1, 3), (1, 1, 1), (1, 1, 2), (1, 1, 2), (1, 1, 5)]), "[[1,1,1,3],[1,1,5,5]]");
        assert_eq!(cover(&[(1, 1, 1), (1, 2, 2), (2, 2, 3)]), "[[1,1,1,1],[1,2,2,2],[2,2,3,3]]");
    }

    #[test]
    fn a_range_holds_its_ends_and_nothing_of_another_chat() {
        let key = |application, chat, number| {
            (ApplicationId::new(application), ChatNumber::new(chat).unwrap(), MessageNumber::new(number).unwrap())
        };
        let range: Range = serde_json::from_str("[7,3,2,4]").unwrap();
        assert_eq!([1, 2, 4, 5].map(|number| range.holds(key(7, 3, number))), [false, true, true, false]);
        assert!(!range.holds(key(7, 2, 3)) && !range.holds(key(6, 3, 3)));
    }

    #[test]
    fn a_range_reads_back_and_a_number_out_of_bounds_does_not() {
        let text = "[[7,1,2,9007199254740991]]";
        let ranges: Vec<Range> = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&ranges).unwrap(), text);
        assert!(serde_json::from_str::<Vec<Range>>("[[7,0,2,3]]").is_err());
    }
}
