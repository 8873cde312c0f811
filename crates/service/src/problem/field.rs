//! How a broken rule of the domain is told to a client.

use domain::{Invalid, Rule};
use serde::Serialize;

/// One member of `errors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field or query parameter.
    pub field: &'static str,
    /// Which kind of rule it breaks; stable.
    pub code: &'static str,
    /// The rule in words.
    pub detail: String,
}

impl From<Invalid> for FieldError {
    fn from(invalid: Invalid) -> Self {
        Self { field: invalid.field.as_str(), code: code(invalid.rule), detail: invalid.rule.to_string() }
    }
}

fn code(rule: Rule) -> &'static str {
    match rule {
        Rule::Required => "required",
        Rule::NotEmpty => "empty",
        Rule::MaxChars(_) | Rule::MaxBytes(_) => "too_long",
        Rule::Within(..) => "out_of_range",
        Rule::TokenForm => "malformed_token",
        Rule::Text => "not_a_string",
        Rule::NotTogether(_) => "not_together",
    }
}
