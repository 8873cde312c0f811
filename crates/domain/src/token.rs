//! The token by which clients name an application, and which is all that they need to use it: a secret.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::{Field, Invalid, Rule};

/// 128 random bits, written as 32 lowercase hexadecimal digits.
///
/// `Display` writes the digits, for answers and keys; `Debug` hides them, so that a token does not reach a log by accident.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ApplicationToken(u128);

impl ApplicationToken {
    /// Draws a token from the operating system's random source.
    ///
    /// # Errors
    /// When the operating system has no random bytes to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }

    /// Reads the 32 digits. Upper case is refused: one application has one spelling.
    ///
    /// # Errors
    /// [`Rule::TokenForm`].
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let well_formed = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match u128::from_str_radix(text, 16) {
            Ok(bits) if well_formed => Ok(Self(bits)),
            _ => Err(Invalid::new(Field::Token, Rule::TokenForm)),
        }
    }
}

impl fmt::Display for ApplicationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for ApplicationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApplicationToken(…)")
    }
}

impl Serialize for ApplicationToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_token_reads_back_and_is_hidden_from_debug_output() {
        let token = ApplicationToken::generate().unwrap();
        assert_eq!(ApplicationToken::parse(&token.to_string()).unwrap(), token);
        assert_ne!(ApplicationToken::generate().unwrap(), token);
        assert!(!format!("{token:?}").contains(&token.to_string()));
    }

    #[test]
    fn other_spellings_are_refused() {
        let token = "0123456789abcdef0123456789abcdef";
        assert!(ApplicationToken::parse(token).is_ok());
        for text in [
            "",
            "0",
            &token[1..],
            &token.to_uppercase(),
            &format!("{token}0"),
            "+123456789abcdef0123456789abcdef",
            "0123456789abcdef0123456789abcdeg",
        ] {
            assert!(ApplicationToken::parse(text).is_err(), "{text}");
        }
    }
}
