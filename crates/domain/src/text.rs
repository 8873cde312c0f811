//! The three texts that clients write: an application's name, a chat's name, a message's body.
//!
//! A text is kept as it came: nothing is trimmed, normalised or replaced. Lengths count Unicode scalar values.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Field, Invalid, Rule};

/// The longest name, in characters.
pub const MAX_NAME_CHARS: usize = 255;
/// The longest body, in characters.
pub const MAX_BODY_CHARS: usize = 10_000;
/// The longest body, in bytes of UTF-8; it also bounds what a column and an index entry must hold.
pub const MAX_BODY_BYTES: usize = 40_000;

fn check(text: &str, field: Field, max_chars: usize, max_bytes: usize) -> Result<(), Invalid> {
    let broken = |rule| Err(Invalid::new(field, rule));
    if text.is_empty() {
        return broken(Rule::NotEmpty);
    }
    // A text of no more bytes than the character limit cannot have more characters: most texts are never counted.
    if text.len() > max_chars && text.chars().count() > max_chars {
        return broken(Rule::MaxChars(max_chars));
    }
    if text.len() > max_bytes {
        return broken(Rule::MaxBytes(max_bytes));
    }
    Ok(())
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $field:expr, $max_chars:expr, $max_bytes:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes the text if it keeps to the limits.
            ///
            /// # Errors
            /// [`Rule::NotEmpty`], [`Rule::MaxChars`] or [`Rule::MaxBytes`].
            pub fn new(text: impl Into<String>) -> Result<Self, Invalid> {
                let text = text.into();
                check(&text, $field, $max_chars, $max_bytes)?;
                Ok(Self(text))
            }

            /// The text as it came.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }

        impl fmt::Debug for $name {
            /// Tells the length only: what people write does not belong in logs.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({} bytes)", stringify!($name), self.0.len())
            }
        }
    };
}

text! {
    /// An application's name: 1 to 255 characters.
    ApplicationName, Field::Name, MAX_NAME_CHARS, MAX_NAME_CHARS * 4
}

text! {
    /// A chat's name: 1 to 255 characters. A chat may have none.
    ChatName, Field::Name, MAX_NAME_CHARS, MAX_NAME_CHARS * 4
}

text! {
    /// A message's body: 1 to 10,000 characters, at most 40,000 bytes.
    MessageBody, Field::Body, MAX_BODY_CHARS, MAX_BODY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_have_ten_thousand_characters_of_any_width_and_no_more() {
        for character in ["a", "é", "語", "🦀"] {
            assert!(MessageBody::new(character.repeat(MAX_BODY_CHARS)).is_ok(), "{character}");
            let broken = MessageBody::new(character.repeat(MAX_BODY_CHARS + 1)).unwrap_err();
            assert_eq!(broken.rule, Rule::MaxChars(MAX_BODY_CHARS), "{character}");
        }
    }

    #[test]
    fn the_empty_text_is_refused_and_white_space_is_kept() {
        assert_eq!(ChatName::new("").unwrap_err().rule, Rule::NotEmpty);
        assert_eq!(ApplicationName::new(" \u{0} ").unwrap().as_str(), " \u{0} ");
        assert_eq!(ApplicationName::new("n".repeat(256)).unwrap_err().rule, Rule::MaxChars(255));
    }

    #[test]
    fn debug_output_tells_the_length_and_not_the_text() {
        let body = MessageBody::new("a secret").unwrap();
        assert_eq!(format!("{body:?}"), "MessageBody(8 bytes)");
    }
}
