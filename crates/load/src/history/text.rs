//! The texts of the workload: each made from its id and never the same as another, so that a stored text tells who wrote it, and
//! a history holds eight bytes of it and not the text.

use std::fmt;

/// What every message's text begins with: a search for it finds all messages of a chat.
pub(crate) const OPENING: &str = "saying ";

/// The digits of an id.
const DIGITS: usize = 16;

/// One in so many texts is long.
const LONG: u64 = 64;

/// Scripts, cases, accents, signs and white space of many kinds: whatever changes on its way is noticed.
const WORDS: [&str; 40] = [
    "What",
    "a",
    "piece",
    "of",
    "work",
    "is",
    "man",
    "how",
    "noble",
    "in",
    "reason",
    "infinite",
    "FACULTY",
    "naïve",
    "Größe",
    "çà",
    "e\u{301}tude",
    "\"quoted\"",
    "back\\slash",
    "<b>",
    "&amp;",
    "'",
    "100%",
    "a_b",
    "語",
    "場所",
    "говорит",
    "שלום",
    "مرحبا",
    "👩‍👧",
    "🦀",
    "tab\there",
    "two  spaces",
    "line\nbreak",
    "\u{3000}",
    "ﬁ",
    "½",
    "{\"json\":1}",
    "NULL",
    "--",
];

/// Names a text: which client wrote it, in which of its calls, and which one of that call's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TextId(u64);

/// Names a call, over all its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallId(u64);

impl CallId {
    pub(crate) fn new(client: u16, sequence: u32) -> Self {
        Self(u64::from(client) << 32 | u64::from(sequence))
    }

    pub(crate) fn client(self) -> u16 {
        (self.0 >> 32) as u16
    }

    /// The text of the call's `item`-th entry, from 0.
    pub(crate) fn text(self, item: u16) -> TextId {
        TextId(self.0 << 16 | u64::from(item))
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {} call {}", self.client(), self.0 & 0xffff_ffff)
    }
}

impl TextId {
    pub(crate) fn call(self) -> CallId {
        CallId(self.0 >> 16)
    }

    pub(crate) fn item(self) -> u16 {
        (self.0 & 0xffff) as u16
    }

    /// A message's text.
    pub(crate) fn body(self) -> String {
        let mut random = SplitMix(self.0);
        let words = if random.next().is_multiple_of(LONG) { 300 + random.next() % 300 } else { 3 + random.next() % 20 };
        self.words(&mut random, words)
    }

    /// A chat's name, which may not be as long.
    pub(crate) fn name(self) -> String {
        self.words(&mut SplitMix(self.0), 4)
    }

    fn words(self, random: &mut SplitMix, count: u64) -> String {
        let mut text = format!("{OPENING}{:0DIGITS$x}", self.0);
        for _ in 0..count {
            text.push(' ');
            text.push_str(WORDS[(random.next() % WORDS.len() as u64) as usize]);
        }
        text
    }

    /// A part that no other text has, for it holds the id; it goes on for up to `words` whole words (a search folds texts, and
    /// may join a character to the one before it).
    pub(crate) fn fragment(self, words: usize) -> String {
        let body = self.body();
        let parts: Vec<&str> = body[OPENING.len() / 2..].split(' ').take(2 + words).collect();
        parts.join(" ")
    }

    /// Whose text this is, if it is one in every character.
    fn recognise(text: &str, make: impl Fn(Self) -> String) -> Option<Self> {
        let digits = text.strip_prefix(OPENING)?.get(..DIGITS)?;
        let id = Self(u64::from_str_radix(digits, 16).ok()?);
        (make(id) == text).then_some(id)
    }
}

impl fmt::Display for TextId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "text {:0DIGITS$x}", self.0)
    }
}

/// A text that was stored or answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// One of ours, unchanged.
    Ours(TextId),
    /// Any other.
    Foreign,
}

impl Words {
    pub(crate) fn of_body(text: &str) -> Self {
        TextId::recognise(text, TextId::body).map_or(Self::Foreign, Self::Ours)
    }

    pub(crate) fn of_name(text: Option<&str>) -> Self {
        text.and_then(|text| TextId::recognise(text, TextId::name)).map_or(Self::Foreign, Self::Ours)
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours(id) => id.fmt(f),
            Self::Foreign => f.write_str("a text that nobody wrote"),
        }
    }
}

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (OOPSLA 2014). The same numbers for the same id, for ever.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use domain::{ChatName, MessageBody};

    use super::*;

    fn ids() -> impl Iterator<Item = TextId> {
        (0..3_000).map(|sequence| CallId::new(sequence as u16 % 7, sequence).text(sequence as u16 % 500))
    }

    #[test]
    fn every_text_is_valid_and_tells_its_id() {
        for id in ids() {
            let (body, name) = (id.body(), id.name());
            assert_eq!(Words::of_body(&body), Words::Ours(id));
            assert_eq!(Words::of_name(Some(&name)), Words::Ours(id));
            assert!(MessageBody::new(body).is_ok() && ChatName::new(name).is_ok(), "{id}");
        }
        let id = CallId::new(65_535, u32::MAX).text(499);
        assert_eq!((id.call(), id.call().client(), id.item()), (CallId::new(65_535, u32::MAX), 65_535, 499));
    }

    #[test]
    fn a_text_that_differs_in_one_character_is_foreign() {
        let body = CallId::new(1, 2).text(3).body();
        let cut = &body[..body.len() - 1];
        for changed in [format!("{body} "), body.to_uppercase(), cut.to_owned(), String::new(), OPENING.to_owned()] {
            assert_eq!(Words::of_body(&changed), Words::Foreign, "{changed}");
        }
        assert_eq!(Words::of_name(None), Words::Foreign);
    }

    #[test]
    fn a_fragment_is_in_its_own_text_alone() {
        let id = CallId::new(1, 2).text(3);
        for words in [0, 1, 5, 12] {
            let fragment = id.fragment(words);
            assert!(id.body().contains(&fragment) && fragment.chars().count() <= 255);
            assert!(ids().filter(|other| *other != id).all(|other| !other.body().contains(&fragment)));
        }
    }
}
