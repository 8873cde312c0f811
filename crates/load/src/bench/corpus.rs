//! Texts to be searched: many chats that are written to at the same time, words as frequent as words are in a language, some
//! phrases that many use, and in each message one word that no other has.
//!
//! Nothing is drawn by chance: a message's text follows from its place, so that any machine searches the same.

use super::{bulk::Text, inserts::Place, reads::scattered};

/// Messages of a chat that is not the large one.
pub(super) const SMALL: u64 = 1_000;
/// One in so many messages is of the large chat.
const LARGE_EVERY: u64 = 5;
/// Words of the language.
const VOCABULARY: u64 = 20_000;
/// One in so many messages has a phrase of these.
const PHRASE_EVERY: u64 = 20;
const PHRASES: [&str; 4] = [
    "thank you very much for your help",
    "could you please have a look at it",
    "see you at the meeting",
    "that sounds good to me",
];
/// What words are made of.
const SYLLABLES: [&str; 32] = [
    "the", "an", "in", "er", "on", "at", "re", "to", "is", "or", "en", "it", "al", "ar", "st", "ou", "com", "pre", "ing", "ver",
    "con", "men", "tra", "lo", "ki", "bu", "zo", "fa", "wi", "gu", "jo", "que",
];

/// So many messages of one application, in chats that count from 1; the first is the large one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Corpus {
    pub(super) application: u64,
    pub(super) messages: u64,
}

impl Corpus {
    /// How many chats there are.
    pub(super) fn chats(&self) -> u64 {
        1 + self.small_chats()
    }

    /// How many messages a chat has.
    pub(super) fn length(&self, chat: u64) -> u64 {
        let large = self.messages.div_ceil(LARGE_EVERY);
        if chat == 1 {
            return large;
        }
        let (rest, chats) = (self.messages - large, self.small_chats());
        rest / chats + u64::from(chat - 2 < rest % chats)
    }

    fn small_chats(&self) -> u64 {
        (self.messages - self.messages.div_ceil(LARGE_EVERY)).div_ceil(SMALL).max(1)
    }

    /// Where every message belongs, in the order in which they come.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let chats = self.small_chats();
        (0..self.messages).map(move |index| {
            let (round, turn) = (index / LARGE_EVERY, index % LARGE_EVERY);
            if turn == 0 {
                return (1, 1 + round);
            }
            let small = round * (LARGE_EVERY - 1) + turn - 1;
            (2 + small % chats, 1 + small / chats)
        })
    }

    /// Every message, in that order.
    pub(super) fn texts(&self) -> impl Iterator<Item = Text> + use<> {
        let application = self.application;
        self.places().map(move |(chat, number)| Text { application, chat, number, body: body((chat, number)) })
    }
}

/// A message's text.
pub(super) fn body(place: Place) -> String {
    let draw = |nth| scattered(place.0 as u32, place.1 * 64 + nth);
    let mut words: Vec<String> = (0..6 + draw(0) % 12).map(|nth| word(rank(draw(1 + nth)))).collect();
    if draw(40).is_multiple_of(PHRASE_EVERY) {
        words.push(PHRASES[(draw(41) % PHRASES.len() as u64) as usize].to_owned());
    }
    let at = (draw(42) % (words.len() as u64 + 1)) as usize;
    words.insert(at, own_word(place));
    words.join(" ")
}

/// The word that only this message has.
pub(super) fn own_word((chat, number): Place) -> String {
    format!("x{}q{}", base_26(chat), base_26(number))
}

/// Parts of the phrases: `length` characters, from the beginning of a word.
pub(super) fn common(length: usize, draw: u64) -> String {
    let phrase = PHRASES[(draw % PHRASES.len() as u64) as usize];
    phrase.chars().take(length).collect()
}

/// A part of a message's text with its own word in it, as far as that fits into so many characters.
pub(super) fn rare(length: usize, place: Place) -> String {
    let (body, own) = (body(place), own_word(place));
    let start = body.find(&own).unwrap_or_default();
    // All of it is ASCII. A part at the end of the text begins earlier.
    let start = start.min(body.len().saturating_sub(length));
    body[start..(start + length).min(body.len())].to_owned()
}

/// Zipf's law: the word of rank r is as frequent as 1/r, so its logarithm is spread evenly.
fn rank(draw: u64) -> u64 {
    let fraction = (draw >> 11) as f64 / (1_u64 << 53) as f64;
    (VOCABULARY as f64).powf(fraction) as u64
}

fn word(rank: u64) -> String {
    let mut rest = rank;
    let mut word = String::new();
    loop {
        word += SYLLABLES[(rest % SYLLABLES.len() as u64) as usize];
        rest /= SYLLABLES.len() as u64;
        if rest == 0 {
            return word;
        }
    }
}

fn base_26(mut number: u64) -> String {
    let mut letters = String::new();
    while number > 0 {
        letters.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
    }
    letters
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn every_place_is_taken_once_and_chats_are_as_long_as_they_say() {
        for messages in [1, 4, 5, 999, 12_345] {
            let corpus = Corpus { application: 1, messages };
            let places: Vec<Place> = corpus.places().collect();
            assert_eq!(places.len() as u64, messages);
            let mut lengths: HashMap<u64, HashSet<u64>> = HashMap::new();
            for (chat, number) in places {
                assert!(lengths.entry(chat).or_default().insert(number), "{chat} {number} twice");
            }
            for (chat, numbers) in lengths {
                assert!((1..=corpus.chats()).contains(&chat));
                assert_eq!(numbers.len() as u64, corpus.length(chat), "chat {chat} of {messages}");
                assert_eq!(numbers.iter().max(), Some(&corpus.length(chat)), "no number is left out");
            }
        }
    }

    #[test]
    fn a_rare_query_is_found_in_its_message_and_a_common_one_in_many() {
        let corpus = Corpus { application: 1, messages: 5_000 };
        let bodies: Vec<(Place, String)> = corpus.places().map(|place| (place, body(place))).collect();
        for length in 3..=20 {
            let rare = rare(length, (1, 77));
            assert_eq!(rare.len(), length);
            assert!(body((1, 77)).contains(&rare));
            let common = common(length, 1);
            let found = bodies.iter().filter(|(_, body)| body.contains(&common)).count();
            assert!(found > 20, "{common}: {found}");
        }
        let found: Vec<_> =
            bodies.iter().filter(|(_, body)| body.contains(&rare(12, (1, 77)))).map(|(place, _)| *place).collect();
        assert_eq!(found, [(1, 77)]);
    }

    #[test]
    fn frequent_words_are_far_more_frequent_than_others() {
        let draws = (0..10_000).map(|nth| rank(scattered(1, nth)));
        let first = draws.clone().filter(|rank| *rank < 10).count();
        let tail = draws.filter(|rank| *rank >= 10_000).count();
        assert!(first > 1_500 && (200..1_500).contains(&tail), "{first} {tail}");
    }
}
