//! Where a message stands among all messages of an index, as one integer: a code of its chat above its number. Must never change
//! under a version of the index.
//!
//! Numbers begin at 1 in every chat, so a range of numbers alone is no small part of an index: nearly every message of every chat
//! is below a thousand. A range of places is one chat's, and of the few others that share its code, so a search of it reads that
//! much and no more.

use domain::{MAX_NUMBER, MessageNumber};

use crate::document::Room;

/// Numbers take 53 bits, and places must stay positive in the 64 that Elasticsearch's `long` has: ten are left.
const CODES: u64 = 1 << 10;
const NUMBERS: u64 = MAX_NUMBER + 1;
const _: () = assert!(CODES * NUMBERS == 1 << 63);

/// The places of one chat.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    /// That of number 0, which no message has.
    first: u64,
}

impl Places {
    pub(crate) fn of(room: Room) -> Self {
        Self { first: code(room) * NUMBERS }
    }

    /// The place of this number; one beyond [`MAX_NUMBER`] counts as that.
    pub(crate) fn place(self, number: u64) -> u64 {
        self.first + number.min(MAX_NUMBER)
    }

    /// The number at this place, if it is one of the chat's.
    pub(crate) fn number(self, place: u64) -> Option<MessageNumber> {
        MessageNumber::new(place.checked_sub(self.first)?).ok()
    }
}

/// Ten bits that depend on all bits of both numbers: SplitMix64's finalizer (Steele, Lea, Flood 2014). Chats that share a code cost
/// each other a little time, and nothing else.
fn code(room: Room) -> u64 {
    let mut mixed = room.application_id.get().wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ room.chat.get();
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % CODES
}

#[cfg(test)]
mod tests {
    use domain::{ApplicationId, ChatNumber};

    use super::*;

    fn places(application_id: u64, chat: u64) -> Places {
        Places::of(Room { application_id: ApplicationId::new(application_id), chat: ChatNumber::new(chat).unwrap() })
    }

    #[test]
    fn every_number_of_every_chat_has_a_place_that_leads_back_to_it() {
        for (application_id, chat) in [(1, 1), (7, 3), (u64::MAX, MAX_NUMBER)] {
            let places = places(application_id, chat);
            for number in [1, 2, 1_000, MAX_NUMBER - 1, MAX_NUMBER] {
                let place = places.place(number);
                assert!(place < 1 << 63, "{place} is no long");
                assert_eq!(places.number(place).map(MessageNumber::get), Some(number));
            }
            assert_eq!(places.place(u64::MAX), places.place(MAX_NUMBER));
            assert_eq!(places.number(places.place(0)), None);
        }
        assert_eq!(places(7, 3).number(0), None);
    }

    /// Documents that are indexed have these places: another rule would no longer find them.
    #[test]
    fn a_place_is_what_it_was() {
        assert_eq!(places(7, 3).place(9), 5_179_139_571_476_070_409);
        assert_eq!(places(1, 1).place(1), 288_230_376_151_711_745);
    }

    #[test]
    fn chats_are_spread_over_all_codes() {
        for chats in [(0..10_240).map(|chat| (1, 1 + chat)).collect::<Vec<_>>(), (0..10_240).map(|id| (1 + id, 1)).collect()] {
            let mut shared = vec![0; CODES as usize];
            chats.into_iter().for_each(|(id, chat)| shared[(places(id, chat).place(0) / NUMBERS) as usize] += 1);
            assert!(shared.iter().all(|&chats| (1..=30).contains(&chats)), "{shared:?}");
        }
    }
}
