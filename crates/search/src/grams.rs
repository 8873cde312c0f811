//! The terms that stand in the index for a folded text. Must stay free of anything Elasticsearch could split, drop or change.
//!
//! Every run of three characters is a term, and its place in the text is the term's position: `hello` is `hel ell llo`. A query
//! of three characters or more is then a phrase: its terms at consecutive positions. Since neighbouring terms overlap, such a
//! phrase lies in a text exactly where the query does. Shorter queries have no such term, so a second field holds every single
//! character and every pair that occurs, without positions.
//!
//! The index splits terms at white space; a folded text's only white space is the space, and within a term it is written as
//! [`SPACE`]. Nothing else is written so, because no folded text contains that character: folding turns it into `_`.

/// How many characters a position's term has.
pub(crate) const GRAM_CHARS: usize = 3;

/// A space, where it stands in a term: the full-width low line.
const SPACE: char = '\u{FF3F}';

/// What the index holds of one folded text, ready for a tokenizer that splits at spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Every run of three characters, in order.
    pub grams: String,
    /// Every character and every pair of neighbours, each once, in no order.
    pub short: String,
}

impl Terms {
    /// The terms of a text that [`crate::fold`] gave.
    pub fn of(folded: &str) -> Self {
        Self { grams: grams(folded), short: Short::of(folded) }
    }
}

/// The terms of a phrase: of a folded query of three characters or more.
pub(crate) fn phrase(folded: &str) -> String {
    grams(folded)
}

/// A single term: a folded query of one or two characters.
pub(crate) fn term(folded: &str) -> String {
    let mut term = String::with_capacity(folded.len());
    folded.chars().for_each(|character| write(&mut term, character));
    term
}

fn grams(folded: &str) -> String {
    let mut terms = String::with_capacity(folded.len() * (GRAM_CHARS + 1));
    let mut characters = folded.chars();
    let (Some(mut first), Some(mut second)) = (characters.next(), characters.next()) else { return terms };
    for third in characters {
        add(&mut terms, [first, second, third]);
        (first, second) = (second, third);
    }
    terms
}

fn add<const LENGTH: usize>(terms: &mut String, term: [char; LENGTH]) {
    if !terms.is_empty() {
        terms.push(' ');
    }
    term.into_iter().for_each(|character| write(terms, character));
}

fn write(terms: &mut String, character: char) {
    terms.push(if character == ' ' { SPACE } else { character });
}

/// Gathers each character and each pair once.
///
/// Those of ASCII, which most are, are marked in a table; the others are sorted. Nothing is hashed: a hash that is as quick is
/// one for which somebody can write a text of nothing but collisions.
struct Short {
    terms: String,
    /// A bit for each character of ASCII.
    characters: u128,
    /// For each first character, a bit for each second one.
    pairs: [u128; 128],
    /// Characters, and pairs of them, of which one at least is not ASCII.
    others: Vec<(char, Option<char>)>,
}

impl Short {
    fn of(folded: &str) -> String {
        let terms = String::with_capacity(folded.len() * (GRAM_CHARS + 1));
        let mut short = Self { terms, characters: 0, pairs: [0; 128], others: Vec::new() };
        let mut last = None;
        for character in folded.chars() {
            short.character(character);
            if let Some(last) = last {
                short.pair(last, character);
            }
            last = Some(character);
        }
        short.end()
    }

    fn character(&mut self, character: char) {
        match index(character) {
            Some(place) => {
                if mark(&mut self.characters, place) {
                    add(&mut self.terms, [character]);
                }
            }
            None => self.others.push((character, None)),
        }
    }

    fn pair(&mut self, first: char, second: char) {
        let marks = index(first).and_then(|place| self.pairs.get_mut(place));
        match (marks, index(second)) {
            (Some(marks), Some(place)) => {
                if mark(marks, place) {
                    add(&mut self.terms, [first, second]);
                }
            }
            _ => self.others.push((first, Some(second))),
        }
    }

    fn end(mut self) -> String {
        self.others.sort_unstable();
        self.others.dedup();
        for (first, second) in self.others {
            match second {
                Some(second) => add(&mut self.terms, [first, second]),
                None => add(&mut self.terms, [first]),
            }
        }
        self.terms
    }
}

/// The place of a character of ASCII among its marks.
fn index(character: char) -> Option<usize> {
    character.is_ascii().then_some(character as usize)
}

/// Sets a mark; `false` if it was set before.
fn mark(marks: &mut u128, place: usize) -> bool {
    let bit = 1 << place;
    let new = *marks & bit == 0;
    *marks |= bit;
    new
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::{Query, fold};

    /// What Elasticsearch does with the terms: split where Java sees white space (`Character.isWhitespace`), look for the query's
    /// terms at consecutive positions.
    fn finds(body: &str, query: &str) -> bool {
        let (body, query) = (Terms::of(&fold(body)), fold(query));
        if query.chars().count() < GRAM_CHARS {
            return tokens(&body.short).any(|token| token == term(&query));
        }
        let places: Vec<_> = tokens(&body.grams).collect();
        let phrase = phrase(&query);
        let phrase: Vec<_> = tokens(&phrase).collect();
        places.windows(phrase.len()).any(|window| window == phrase)
    }

    fn tokens(terms: &str) -> impl Iterator<Item = &str> {
        let java_space = |character: char| match character {
            '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}' => false,
            '\u{1c}'..='\u{1f}' => true,
            other => other.is_whitespace(),
        };
        terms.split(java_space).filter(|token| !token.is_empty())
    }

    /// The terms as their definition says them, and no more quickly. Of the short ones, each once.
    fn defined(folded: &str) -> (String, BTreeSet<String>) {
        let characters: Vec<char> = folded.chars().collect();
        let runs = |length: usize| {
            let term = |run: &[char]| run.iter().map(|&character| if character == ' ' { SPACE } else { character }).collect();
            characters.windows(length).map(term).collect::<Vec<String>>()
        };
        (runs(3).join(" "), runs(1).into_iter().chain(runs(2)).collect())
    }

    fn assert_as_defined(folded: &str) {
        let terms = Terms::of(folded);
        let mut short: Vec<&str> = terms.short.split(' ').filter(|term| !term.is_empty()).collect();
        short.sort_unstable();
        let (grams, shorts) = defined(folded);
        assert_eq!(terms.grams, grams, "{folded:?}");
        assert!(short.iter().eq(shorts.iter()), "{folded:?}: {short:?}");
    }

    /// Texts of few characters, so that near misses are common: plain and folded alike, what is written for spaces, what folds
    /// to it, white space of several kinds, characters that fold to several or join with their neighbours.
    fn text() -> impl Strategy<Value = String> {
        let character = prop::sample::select(vec![
            'a',
            'A',
            'b',
            's',
            'ß',
            'ẞ',
            'ſ',
            '\u{301}',
            'e',
            'é',
            'É',
            ' ',
            '\t',
            '\n',
            '\u{a0}',
            '\u{85}',
            '\u{1c}',
            '\u{2028}',
            '\u{3000}',
            '_',
            SPACE,
            '\0',
            '한',
            '\u{1112}',
            '\u{1161}',
            '\u{11ab}',
            'カ',
            'ｶ',
            'ﾞ',
            '🦀',
            '👩',
            '\u{200d}',
            'Σ',
            'ς',
            '\u{345}',
            '\u{fdfa}',
            '\u{a8}',
            '\u{fdd0}',
            '\u{e000}',
            '\u{10ffff}',
        ]);
        prop::collection::vec(character, 1..12).prop_map(String::from_iter)
    }

    /// A body, and a part of it.
    fn body_and_part() -> impl Strategy<Value = (String, String)> {
        (text(), any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(body, from, to)| {
            let characters: Vec<char> = body.chars().collect();
            let (from, to) = (from.index(characters.len()), to.index(characters.len()));
            let part = characters[from.min(to)..=from.max(to)].iter().collect();
            (body, part)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn the_terms_are_those_of_the_definition(
            restless in text(),
            ascii in "[\\x00-\\x7f]{0,300}",
            few in "[ab ]{0,40}",
            mixed in "[a-c é世🦀]{0,60}",
            any in "(?s).{0,60}",
        ) {
            [restless, ascii, few, mixed, any].iter().for_each(|text| assert_as_defined(&fold(text)));
        }

        #[test]
        fn the_terms_find_exactly_what_the_rule_says(body in text(), query in text()) {
            prop_assert_eq!(finds(&body, &query), Query::parse(&query).unwrap().matches(&body));
        }

        #[test]
        fn the_terms_find_a_part_of_a_body_whenever_the_rule_does((body, part) in body_and_part()) {
            prop_assert_eq!(finds(&body, &part), Query::parse(&part).unwrap().matches(&body));
            let folded = fold(&body);
            for (start, _) in folded.char_indices() {
                prop_assert!(finds(&body, &folded[start..]), "{:?}", &folded[start..]);
            }
        }

        #[test]
        fn the_terms_find_exactly_what_the_rule_says_in_any_script(body in ".{0,40}", query in ".{1,4}") {
            prop_assert_eq!(finds(&body, &query), Query::parse(&query).unwrap().matches(&body));
        }
    }

    #[test]
    fn no_folded_text_contains_what_is_written_for_a_space() {
        for character in '\0'..=char::MAX {
            assert!(!fold(&character.to_string()).contains(SPACE), "{character:?}");
        }
    }

    #[test]
    fn the_terms_of_a_text_are_its_runs_of_one_two_and_three_characters() {
        let terms = Terms::of("a bb🦀");
        assert_eq!(terms.grams, "a＿b ＿bb bb🦀");
        let mut short: Vec<&str> = terms.short.split(' ').collect();
        short.sort_unstable();
        assert_eq!(short, ["a", "a＿", "b", "bb", "b🦀", "＿", "＿b", "🦀"]);
        assert_eq!(Terms::of("ab"), Terms { grams: String::new(), short: "a b ab".to_owned() });
        assert_eq!(Terms::of(""), Terms { grams: String::new(), short: String::new() });
    }

    #[test]
    fn every_pair_of_ascii_is_a_term_of_its_own() {
        let characters: Vec<char> =
            ('\0'..='\x7f').filter(|character| !character.is_ascii_whitespace() || *character == ' ').collect();
        let pairs = characters.iter().flat_map(|&first| characters.iter().map(move |&second| [first, second]));
        // As a text that is not folded: letters in both cases.
        assert_as_defined(&pairs.flatten().collect::<String>());
    }
}
