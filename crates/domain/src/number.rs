//! The numbers that clients see (chats and messages count from 1) and the identifier that they never see.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Field, Invalid, Rule};

/// The largest number of a chat or a message: 2^53 − 1, the largest whole number that every JSON reader and Redis' Lua keep
/// exact.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// A row's key in `applications`. Internal: it appears in queues and tables, never in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApplicationId(u64);

impl ApplicationId {
    /// Wraps a row's key.
    pub fn new(id: u64) -> Self {
        Self(id)
    }

    /// The row's key.
    pub fn get(self) -> u64 {
        self.0
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name(u64);

        impl $name {
            /// The first number that is given.
            pub const FIRST: Self = Self(1);

            /// Accepts 1 to [`MAX_NUMBER`].
            ///
            /// # Errors
            /// [`Rule::Within`] for 0 and for what lies above the limit.
            pub fn new(number: u64) -> Result<Self, Invalid> {
                if (1..=MAX_NUMBER).contains(&number) {
                    Ok(Self(number))
                } else {
                    Err(Invalid::new(Field::Number, Rule::Within(1, MAX_NUMBER)))
                }
            }

            /// Reads plain decimal digits, as they stand in a path: no sign, no white space.
            ///
            /// # Errors
            /// [`Rule::Within`] for anything else, and for a number out of range.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let number = if digits { text.parse().unwrap_or(0) } else { 0 };
                Self::new(number)
            }

            /// The number so many further on. Beyond [`MAX_NUMBER`], which no counter ever reaches, it stays there.
            pub fn plus(self, further: u16) -> Self {
                Self((self.0 + u64::from(further)).min(MAX_NUMBER))
            }

            /// The number itself.
            pub fn get(self) -> u64 {
                self.0
            }
        }

        impl TryFrom<u64> for $name {
            type Error = Invalid;

            fn try_from(number: u64) -> Result<Self, Invalid> {
                Self::new(number)
            }
        }

        impl From<$name> for u64 {
            fn from(number: $name) -> u64 {
                number.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A chat's number within its application, from 1.
    ChatNumber
}

number! {
    /// A message's number within its chat, from 1.
    MessageNumber
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_segment_is_a_number_only_as_plain_digits_within_the_limits() {
        for (text, expected) in [("1", Some(1)), ("007", Some(7)), ("9007199254740991", Some(MAX_NUMBER))] {
            assert_eq!(ChatNumber::parse(text).ok().map(ChatNumber::get), expected, "{text}");
        }
        for text in ["", "0", "-1", "+1", " 1", "1.0", "1e3", "9007199254740992", "99999999999999999999999", "٣", "abc"] {
            assert!(MessageNumber::parse(text).is_err(), "{text}");
        }
    }
}
