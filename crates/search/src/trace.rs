//! Folding that remembers where each character came from, so that what is found in the folded text can be shown in the original.
//! Must never fold otherwise than [`fold`](crate::fold()) does.
//!
//! Folding changes lengths: `ß` becomes `ss`, `e` with an accent of its own becomes `é`, a run of white space one space. So the
//! text is cut into the smallest pieces that fold by themselves: a piece begins with a character that neither joins with what
//! stands before it nor trades places with it (Unicode Standard Annex 15, section 9.1). The folded text is what the pieces fold
//! to, one behind the other, and each of its characters came from its whole piece.

use std::iter::once;
use std::ops::Range;

use caseless::Caseless;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::fold::{characters, is_space};

/// A folded text, and the places in the original that its characters came from.
pub(crate) struct Traced {
    folded: String,
    origins: Vec<Origin>,
}

/// Of one folded character.
struct Origin {
    /// Where it begins in the folded text.
    at: usize,
    /// The bytes of the original.
    piece: Range<usize>,
}

impl Traced {
    pub(crate) fn of(text: &str) -> Self {
        let mut traced = Self { folded: String::with_capacity(text.len()), origins: Vec::with_capacity(text.len()) };
        let mut in_space = false;
        for piece in pieces(text) {
            for character in characters(&text[piece.clone()]) {
                let space = is_space(character);
                match traced.origins.last_mut() {
                    // One space stands for the whole run.
                    Some(run) if space && in_space => run.piece.end = piece.end,
                    _ => traced.push(if space { ' ' } else { character }, piece.clone()),
                }
                in_space = space;
            }
        }
        traced
    }

    fn push(&mut self, character: char, piece: Range<usize>) {
        self.origins.push(Origin { at: self.folded.len(), piece });
        self.folded.push(character);
    }

    /// The bytes of the original in which the first `at_most` occurrences of `part`, a folded text, stand: in order, and apart.
    /// Occurrences that end and begin in the same piece of the original are told as one.
    pub(crate) fn occurrences(&self, part: &str, at_most: usize) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for (at, _) in self.folded.match_indices(part).filter(|_| !part.is_empty()).take(at_most) {
            let (Some(first), Some(last)) = (self.origin(at), self.origin(at + part.len() - 1)) else { continue };
            match found.last_mut() {
                Some(before) if first.start < before.end => before.end = before.end.max(last.end),
                _ => found.push(first.start..last.end),
            }
        }
        found
    }

    /// Where the character came from of which the folded text's byte `at` is a part.
    fn origin(&self, at: usize) -> Option<&Range<usize>> {
        let behind = self.origins.partition_point(|origin| origin.at <= at);
        self.origins.get(behind.checked_sub(1)?).map(|origin| &origin.piece)
    }
}

/// The smallest pieces that fold by themselves.
fn pieces(text: &str) -> impl Iterator<Item = Range<usize>> {
    let begins = |&(at, character): &(usize, char)| at == 0 || stands_alone(character);
    let mut starts = text.char_indices().filter(begins).map(|(at, _)| at).peekable();
    std::iter::from_fn(move || {
        let start = starts.next()?;
        Some(start..starts.peek().copied().unwrap_or(text.len()))
    })
}

/// Whether the character, in each form that folding brings it to, neither moves before nor joins with what precedes it.
fn stands_alone(character: char) -> bool {
    if character.is_ascii() {
        return true;
    }
    let is_starter = |first: Option<char>| first.is_some_and(|first| canonical_combining_class(first) == 0);
    // What folding decomposes twice may begin otherwise each time: the iota below a Greek vowel is a mark first and a letter
    // then.
    let decomposed = once(character).nfd().next();
    let folded = once(character).nfd().default_case_fold().nfkd().default_case_fold().nfkd().next();
    let joins = folded.is_none_or(|first| is_nfc_quick(once(first)) == IsNormalized::Maybe);
    is_starter(decomposed) && is_starter(folded) && !joins
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fold::{fold, tests::restless};

    fn occurrences<'t>(text: &'t str, part: &str) -> Vec<&'t str> {
        Traced::of(text).occurrences(&fold(part), usize::MAX).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn occurrences_are_shown_as_they_were_written() {
        for (text, part, expected) in [
            ("Hello, hello", "HELLO", &["Hello", "hello"] as &[&str]),
            ("aaaa", "aa", &["aa", "aa"]),
            ("aaa", "aa", &["aa"]),
            ("Straße", "ss", &["ß"]),
            ("Straße", "s", &["S", "ß"]),
            ("Straße", "as", &["aß"]),
            ("sßs", "ss", &["sßs"]),
            ("ab", "c", &[]),
            ("cafe\u{301} cafe", "é", &["e\u{301}"]),
            ("cafe\u{301} cafe", "cafe", &["cafe"]),
            ("one \t\r\n two", "e t", &["e \t\r\n t"]),
            ("  \u{a0}x", " ", &["  \u{a0}"]),
            ("a\u{b4}b", " ", &["\u{b4}"]),
            ("a \u{b4}b", "a ", &["a \u{b4}"]),
            ("ﬁn", "i", &["ﬁ"]),
            ("ＦＵＬＬ", "ull", &["ＵＬＬ"]),
            ("\u{fdfa}", "الله", &["\u{fdfa}"]),
            ("\u{1112}\u{1161}\u{11ab}글", "한", &["\u{1112}\u{1161}\u{11ab}"]),
            ("ｶﾞｶ", "ガ", &["ｶﾞ"]),
            ("🦀👩‍👧🦀", "🦀", &["🦀", "🦀"]),
            ("α\u{345}\u{301}β", "ά", &["α\u{345}\u{301}"]),
        ] {
            assert_eq!(occurrences(text, part), expected, "{part:?} in {text:?}");
        }
        assert_eq!(Traced::of("aaaa").occurrences("a", 3), [0..1, 1..2, 2..3]);
    }

    #[test]
    fn every_restless_character_is_traced_behind_what_could_join_with_it() {
        let restless =
            ('\0'..=char::MAX).filter(|&character| !stands_alone(character) || characters_of(character) != [character]);
        for character in restless {
            for before in ["a", "α\u{345}", "e\u{323}\u{301}", "\u{1100}", "가", " ", "\u{9c7}", "ｶ", "\u{b4}"] {
                let text = format!("{before}{character}\u{301}a");
                assert_eq!(Traced::of(&text).folded, fold(&text), "{text:?}");
            }
        }
    }

    fn characters_of(character: char) -> Vec<char> {
        characters(character.encode_utf8(&mut [0; 4])).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn tracing_folds_as_folding_does(text in prop_oneof![".*", restless()]) {
            prop_assert_eq!(Traced::of(&text).folded, fold(&text));
        }
    }
}
