//! What a client searches for: the rule that decides whether a text matches, and the same rule as an Elasticsearch query.

use std::fmt;

use domain::{Field, Invalid, Rule};
use serde_json::{Value, json};

use crate::fold::fold;
use crate::grams::{self, GRAM_CHARS};
use crate::mapping::{GRAMS, SHORT};

/// Characters of a query at most, counted before folding.
pub const MAX_QUERY_CHARS: usize = 255;

/// A text to be found, folded: 1 to [`MAX_QUERY_CHARS`] characters.
///
/// White space counts as text: a query of one space finds every body with white space in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Query {
    folded: String,
}

impl Query {
    /// Takes the text if it keeps to the limits.
    ///
    /// # Errors
    /// [`Rule::NotEmpty`] or [`Rule::MaxChars`], of [`Field::Query`].
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Err(Invalid::new(Field::Query, Rule::NotEmpty));
        }
        if text.chars().nth(MAX_QUERY_CHARS).is_some() {
            return Err(Invalid::new(Field::Query, Rule::MaxChars(MAX_QUERY_CHARS)));
        }
        Ok(Self { folded: fold(text) })
    }

    /// Whether a message with this body is to be found. What the index answers is the same.
    pub fn matches(&self, body: &str) -> bool {
        fold(body).contains(&self.folded)
    }

    /// The text, folded.
    pub(crate) fn folded(&self) -> &str {
        &self.folded
    }

    /// The query as Elasticsearch's query language says it.
    pub(crate) fn to_json(&self) -> Value {
        if self.folded.chars().count() >= GRAM_CHARS {
            json!({ "match_phrase": { GRAMS: grams::phrase(&self.folded) } })
        } else {
            json!({ "term": { SHORT: grams::term(&self.folded) } })
        }
    }
}

impl fmt::Debug for Query {
    /// Tells the length only: what people look for does not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query({} bytes)", self.folded.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_1_to_255_characters_of_any_width() {
        assert_eq!(Query::parse("").unwrap_err(), Invalid::new(Field::Query, Rule::NotEmpty));
        for character in ["a", "é", "語", "🦀", " "] {
            assert!(Query::parse(&character.repeat(MAX_QUERY_CHARS)).is_ok(), "{character}");
            let broken = Query::parse(&character.repeat(MAX_QUERY_CHARS + 1)).unwrap_err();
            assert_eq!(broken, Invalid::new(Field::Query, Rule::MaxChars(MAX_QUERY_CHARS)), "{character}");
        }
    }

    #[test]
    fn any_part_of_a_body_matches_in_any_case_and_nothing_else_does() {
        let matches = |query: &str, body: &str| Query::parse(query).unwrap().matches(body);
        for query in ["o", "lo", "WORLD", "o\nw", " ", "hello  world!", "!"] {
            assert!(matches(query, "Hello World!"), "{query}");
        }
        for query in ["helloworld", "wold", "  !", "?", "hello world!!", "w h"] {
            assert!(!matches(query, "Hello World!"), "{query}");
        }
    }

    #[test]
    fn debug_output_tells_the_length_and_not_the_text() {
        assert_eq!(format!("{:?}", Query::parse("a secret").unwrap()), "Query(8 bytes)");
    }
}
