//! How a broken rule of the domain is told to a client.

use std::borrow::Cow;

use domain::{Field, Invalid, Rule};
use serde::Serialize;
use utoipa::ToSchema;

/// One member of `errors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field or query parameter; one of a list's entry as `messages[3].body`, counted from 0.
    pub field: Cow<'static, str>,
    /// Which kind of rule it breaks; stable.
    pub code: &'static str,
    /// The rule in words.
    pub detail: String,
}

impl FieldError {
    /// A broken rule of a field of the list's entry at `index`.
    pub fn of_entry(list: Field, index: usize, invalid: Invalid) -> Self {
        Self { field: format!("{list}[{index}].{}", invalid.field).into(), ..invalid.into() }
    }

    /// A query parameter that cannot be read, and so is held against no rule.
    pub(super) fn not_utf_8(parameter: &'static str) -> Self {
        Self { field: parameter.into(), code: "not_utf8", detail: "must be UTF-8, percent-encoded".to_owned() }
    }

    /// A rule that the list's entry at `index` itself breaks.
    pub fn entry(list: Field, index: usize, rule: Rule) -> Self {
        Self { field: format!("{list}[{index}]").into(), ..Invalid::new(list, rule).into() }
    }
}

impl From<Invalid> for FieldError {
    fn from(invalid: Invalid) -> Self {
        Self { field: invalid.field.as_str().into(), code: code(invalid.rule), detail: invalid.rule.to_string() }
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
        Rule::OneOf(_) => "unknown_value",
        Rule::Object => "not_an_object",
        Rule::Entries(_) => "wrong_length",
        Rule::NotTogether(_) => "not_together",
    }
}
