//! Why a value is not valid: the field and the rule it breaks, in words that may be shown to a client.
//!
//! An [`Invalid`] never repeats the value itself: it travels into answers and logs, where bodies and tokens must not appear.

use std::fmt;

/// The part of a request or an event that a rule speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// An application's or a chat's name.
    Name,
    /// A message's body.
    Body,
    /// An application's token.
    Token,
    /// A chat's or a message's number.
    Number,
    /// The number of entries on a page.
    Limit,
    /// The same, by its other name.
    PerPage,
    /// A page's ordinal.
    Page,
    /// The lower end of a page, exclusive.
    After,
    /// The upper end of a page, exclusive.
    Before,
    /// A search's text.
    Query,
    /// The same, by its short name.
    Q,
    /// How a search's hits are marked.
    Highlight,
    /// The entries of a batch.
    Messages,
}

impl Field {
    /// The field's name as clients spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Field::Name => "name",
            Field::Body => "body",
            Field::Token => "token",
            Field::Number => "number",
            Field::Limit => "limit",
            Field::PerPage => "per_page",
            Field::Page => "page",
            Field::After => "after",
            Field::Before => "before",
            Field::Query => "query",
            Field::Q => "q",
            Field::Highlight => "highlight",
            Field::Messages => "messages",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a value must be. The limits are part of the rule, so that the message to the client can name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A value must be given.
    Required,
    /// At least one character.
    NotEmpty,
    /// At most this many characters (Unicode scalar values).
    MaxChars(usize),
    /// At most this many bytes of UTF-8.
    MaxBytes(usize),
    /// A whole number within these bounds, both included.
    Within(u64, u64),
    /// 32 lowercase hexadecimal digits.
    TokenForm,
    /// A string.
    Text,
    /// One of these values, as they are told to a client.
    OneOf(&'static str),
    /// An object.
    Object,
    /// A list of at least one and at most so many entries.
    Entries(usize),
    /// May not be given together with the other one that was.
    NotTogether(Field),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Required => f.write_str("is required"),
            Rule::NotEmpty => f.write_str("must not be empty"),
            Rule::MaxChars(limit) => write!(f, "must have at most {limit} characters"),
            Rule::MaxBytes(limit) => write!(f, "must have at most {limit} bytes"),
            Rule::Within(low, high) => write!(f, "must be a whole number from {low} to {high}"),
            Rule::TokenForm => f.write_str("must be 32 lowercase hexadecimal digits"),
            Rule::Text => f.write_str("must be a string"),
            Rule::OneOf(values) => write!(f, "must be {values}"),
            Rule::Object => f.write_str("must be an object"),
            Rule::Entries(limit) => write!(f, "must be a list of 1 to {limit} entries"),
            Rule::NotTogether(other) => write!(f, "must not be given together with {other}"),
        }
    }
}

/// A field that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{field} {rule}")]
pub struct Invalid {
    /// Which part of the input.
    pub field: Field,
    /// What it should have been.
    pub rule: Rule,
}

impl Invalid {
    /// `field` breaks `rule`.
    pub fn new(field: Field, rule: Rule) -> Self {
        Self { field, rule }
    }
}
