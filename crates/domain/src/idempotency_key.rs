//! The name that a client gives to one create, so that sending it again does not create anew.

use std::fmt;

/// The longest key, in characters.
pub const MAX_KEY_CHARS: usize = 255;

/// A client's key: 1 to 255 visible ASCII characters. It means something within one application only.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a header's value; `None` for one that breaks the rule.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let well_formed = (1..=MAX_KEY_CHARS).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
        let text = if well_formed { std::str::from_utf8(text).ok() } else { None };
        text.map(|text| Self(text.to_owned()))
    }

    /// The key as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdempotencyKey {
    /// Whoever knows a key could ask for its replay.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_ascii_up_to_255_characters_is_a_key_and_is_not_shown() {
        for text in ["a", "\"quoted\"", "8e03978e-40d5-43dd-bc93-6894a57f9324", &"~".repeat(255)] {
            let key = IdempotencyKey::parse(text.as_bytes()).unwrap();
            assert_eq!(key.as_str(), text);
            assert!(!format!("{key:?}").contains(text));
        }
        for text in ["", " ", "a b", "a\t", "é", "\u{7f}", &"a".repeat(256)] {
            assert_eq!(IdempotencyKey::parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(IdempotencyKey::parse(b"\xff"), None);
    }
}
