//! The terms that stand in the index for a folded text. Must stay free of anything Elasticsearch could split, drop or change.
//!
//! Every run of three characters is a term, and its place in the text is the term's position: `hello` is `hel ell llo`. A query
//! of three characters or more is then a phrase: its terms at consecutive positions. Since neighbouring terms overlap, such a
//! phrase lies in a text exactly where the query does. Shorter queries have no such term, so a second field holds every single
//! character and every pair that occurs, without positions.
//!
//! The index splits terms at white space; a folded text's only white space is the space, and within a term it is written as
//! [`SPACE`]. Nothing else is written so, because no folded text contains that character: folding turns it into `_`.

use std::collections::HashSet;

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
        let ends = boundaries(folded);
        Self { grams: grams(folded, &ends), short: short(folded, &ends) }
    }
}

/// The terms of a phrase: of a folded query of three characters or more.
pub(crate) fn phrase(folded: &str) -> String {
    grams(folded, &boundaries(folded))
}

/// A single term: a folded query of one or two characters.
pub(crate) fn term(folded: &str) -> String {
    let mut term = String::with_capacity(folded.len());
    push(&mut term, folded);
    term
}

/// Where characters begin, and the end: a text of n characters has n + 1.
fn boundaries(folded: &str) -> Vec<usize> {
    folded.char_indices().map(|(at, _)| at).chain([folded.len()]).collect()
}

/// Every run of `length` characters.
fn runs<'a>(folded: &'a str, boundaries: &'a [usize], length: usize) -> impl Iterator<Item = &'a str> {
    boundaries.iter().zip(boundaries.iter().skip(length)).map(|(&start, &end)| &folded[start..end])
}

fn grams(folded: &str, boundaries: &[usize]) -> String {
    let mut terms = String::with_capacity(folded.len() * (GRAM_CHARS + 1));
    for run in runs(folded, boundaries, GRAM_CHARS) {
        separate(&mut terms);
        push(&mut terms, run);
    }
    terms
}

fn short(folded: &str, boundaries: &[usize]) -> String {
    let mut terms = String::new();
    let mut seen = HashSet::new();
    for run in runs(folded, boundaries, 1).chain(runs(folded, boundaries, 2)) {
        if seen.insert(run) {
            separate(&mut terms);
            push(&mut terms, run);
        }
    }
    terms
}

fn separate(terms: &mut String) {
    if !terms.is_empty() {
        terms.push(' ');
    }
}

fn push(terms: &mut String, run: &str) {
    terms.extend(run.chars().map(|character| if character == ' ' { SPACE } else { character }));
}

#[cfg(test)]
mod tests {
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
        assert_eq!(terms.short, "a ＿ b 🦀 a＿ ＿b bb b🦀");
        assert_eq!(Terms::of("ab"), Terms { grams: String::new(), short: "a b ab".to_owned() });
        assert_eq!(Terms::of(""), Terms { grams: String::new(), short: String::new() });
    }
}
