//! Where in a body a query was found, in the units in which clients count. Must agree with [`Query::matches`]: a body that
//! matches has at least one place.

use std::ops::Range;

use crate::query::Query;
use crate::trace::Traced;

/// Places of one body at most: a letter can stand in it ten thousand times, and a page has a hundred bodies.
pub const MAX_HIGHLIGHTS: usize = 1_000;

/// What positions in a text count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Code units of UTF-16, as JavaScript, Java and C# count.
    Utf16,
    /// Unicode code points (scalar values), as Python counts.
    CodePoint,
}

impl Unit {
    /// How long a text is.
    fn length(self, text: &str) -> usize {
        match self {
            _ if text.is_ascii() => text.len(),
            Unit::Utf16 => text.encode_utf16().count(),
            Unit::CodePoint => text.chars().count(),
        }
    }
}

impl Query {
    /// The half-open ranges of `body` in which the query stands, ascending and apart, at most [`MAX_HIGHLIGHTS`]: the text of
    /// each folds to something that contains the folded query. It is the query itself unless characters would have to be cut: `s`
    /// is shown as the whole `ß` in `Straße`, and ranges that would share a character are one.
    pub fn highlights(&self, body: &str, unit: Unit) -> Vec<Range<usize>> {
        let (mut at, mut length) = (0, 0);
        let mut position = |byte: usize| {
            length += unit.length(&body[at..byte]);
            at = byte;
            length
        };
        let places = Traced::of(body).occurrences(self.folded(), MAX_HIGHLIGHTS);
        places.into_iter().map(|Range { start, end }| position(start)..position(end)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use proptest::prelude::*;

    use super::*;
    use crate::fold::{fold, tests::restless};

    #[test]
    fn positions_count_code_units_or_code_points() {
        let query = Query::parse("b").unwrap();
        for (body, utf16, code_points) in
            [("abc", 1..2, 1..2), ("éb", 1..2, 1..2), ("🦀b", 2..3, 1..2), ("e\u{301}b🦀", 2..3, 2..3), ("👩‍👧B", 5..6, 3..4)]
        {
            assert_eq!(query.highlights(body, Unit::Utf16), slice::from_ref(&utf16), "{body}");
            assert_eq!(query.highlights(body, Unit::CodePoint), slice::from_ref(&code_points), "{body}");
        }
        let crab = Query::parse("🦀").unwrap();
        assert_eq!(crab.highlights("🦀🦀", Unit::Utf16), [0..2, 2..4]);
        assert_eq!(crab.highlights("🦀🦀", Unit::CodePoint), [0..1, 1..2]);
        assert_eq!(query.highlights(&"b".repeat(10_000), Unit::Utf16).len(), MAX_HIGHLIGHTS);
    }

    /// The text that a range of code units or code points stands for.
    fn text_of(body: &str, range: &Range<usize>, unit: Unit) -> String {
        match unit {
            // A range that cuts a surrogate pair cannot be read.
            Unit::Utf16 => String::from_utf16(&body.encode_utf16().collect::<Vec<_>>()[range.clone()]).unwrap(),
            Unit::CodePoint => body.chars().collect::<Vec<_>>()[range.clone()].iter().collect(),
        }
    }

    /// A body, and a query that is likely to be found in it: a part of it, or of what folding makes of it.
    fn body_and_query() -> impl Strategy<Value = (String, String)> {
        let body = prop_oneof![
            "[aAbBsß é\u{301}\t_＿\u{1c}カｶﾞ한🦀\u{200d}\0]{1,20}",
            restless(),
            (restless(), "[a-c ]{0,3}", restless()).prop_map(|(one, between, other)| one + &between + &other),
            ".{1,30}",
        ];
        (body, any::<bool>(), any::<prop::sample::Index>(), 1..6usize).prop_map(|(body, of_folded, place, length)| {
            let source: Vec<char> = if of_folded { fold(&body).chars().collect() } else { body.chars().collect() };
            let from = place.index(source.len());
            let query = source[from..].iter().take(length).collect();
            (body, query)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_matches_is_shown_in_order_and_holds_the_query((body, text) in body_and_query()) {
            let query = Query::parse(&text).unwrap();
            for unit in [Unit::Utf16, Unit::CodePoint] {
                let ranges = query.highlights(&body, unit);
                prop_assert_eq!(!ranges.is_empty(), query.matches(&body));
                let mut end = 0;
                for range in &ranges {
                    prop_assert!(end <= range.start && range.start < range.end && range.end <= unit.length(&body), "{:?}", ranges);
                    end = range.end;
                    let shown = text_of(&body, range, unit);
                    prop_assert!(query.matches(&shown), "{:?} is shown for {:?}", shown, text);
                }
            }
        }
    }
}
