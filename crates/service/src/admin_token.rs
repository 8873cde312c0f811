//! The administrator's token: what it may look like, and who bears it. It must never be shown, nor be compared in a time that
//! tells how much of it was right.

use std::fmt;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

/// As many characters as 128 bits have in hexadecimal.
const MIN_CHARS: usize = 32;

/// The administrator's token: at least 32 characters of those that the scheme `Bearer` can carry (RFC 6750, 2.1).
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct AdminToken(String);

impl TryFrom<String> for AdminToken {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.trim_end_matches('=');
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        match text.len() {
            0..MIN_CHARS => Err("ADMIN_TOKEN (api.admin_token) must have at least 32 characters"),
            _ if digits.bytes().all(allowed) => Ok(Self(text)),
            _ => Err("ADMIN_TOKEN (api.admin_token) may hold letters, digits and -._~+/ only, and = at its end"),
        }
    }
}

impl AdminToken {
    /// Whether a request with these headers bears this token: in one header `Authorization`, and in no second one.
    pub fn is_borne_by(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION);
        match (values.next(), values.next()) {
            (Some(only), None) => self.is_told_by(only.as_bytes()),
            _ => false,
        }
    }

    /// Whether this is the token.
    pub fn is(&self, text: &[u8]) -> bool {
        bool::from(text.ct_eq(self.0.as_bytes()))
    }

    /// The token, to derive from it what stands for it. It must not leave the process.
    pub fn as_key(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn is_told_by(&self, authorization: &[u8]) -> bool {
        let (scheme, credentials) = authorization.split_at_checked(b"Bearer ".len()).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"Bearer ") && self.is(credentials)
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789ABCDEF";

    fn token(text: &str) -> Result<AdminToken, &'static str> {
        AdminToken::try_from(text.to_owned())
    }

    #[test]
    fn a_token_that_could_be_guessed_or_not_be_sent_is_refused_and_not_repeated() {
        for text in [TOKEN, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=", "-._~+/-._~+/-._~+/-._~+/-._~+/-._~+/=="] {
            assert!(token(text).is_ok(), "{text}");
        }
        for text in ["", "secret", &TOKEN[1..], &TOKEN.replace('3', " "), &TOKEN.replace('3', "="), &TOKEN.replace("34", "é")] {
            let sentence = token(text).unwrap_err();
            assert!(sentence.contains("ADMIN_TOKEN") && (text.is_empty() || !sentence.contains(text)), "{sentence}");
        }
    }

    #[test]
    fn only_the_whole_token_behind_the_scheme_is_right() {
        let right = token(TOKEN).unwrap();
        for authorization in [format!("Bearer {TOKEN}"), format!("bearer {TOKEN}"), format!("BEARER {TOKEN}")] {
            assert!(right.is_told_by(authorization.as_bytes()), "{authorization}");
        }
        for authorization in [
            "",
            "Bearer",
            "Bearer ",
            TOKEN,
            &format!("Basic {TOKEN}"),
            &format!("Bearer  {TOKEN}"),
            &format!("Bearer {TOKEN}0"),
            &format!("Bearer {}", &TOKEN[1..]),
            &format!("Bearer {}", TOKEN.to_lowercase()),
        ] {
            assert!(!right.is_told_by(authorization.as_bytes()), "{authorization}");
        }
        assert!(!format!("{right:?}").contains(TOKEN));
    }
}
