//! Who may list and create applications: everyone, or only who bears the administrator's token when one is configured.
//!
//! All else needs no more than an application's own token, which stands in the path. The administrator's token must never be shown,
//! nor be compared in a time that tells how much of it was right.

use std::{
    fmt,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::AUTHORIZATION, web::Data};
use serde::Deserialize;
use service::problem::Problem;
use subtle::ConstantTimeEq as _;

use crate::state::State;

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
    /// Whether the value of a header `Authorization` bears this token.
    fn is_borne_by(&self, authorization: &[u8]) -> bool {
        let (scheme, credentials) = authorization.split_at_checked(b"Bearer ".len()).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(credentials.ct_eq(self.0.as_bytes()))
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(…)")
    }
}

/// A request that may do what administrators may. Ask for it as a handler's first argument: without it the answer is 401, before
/// the body is read.
pub(crate) struct Administrator;

impl FromRequest for Administrator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(state) = request.app_data::<Data<State>>() else {
            return ready(Err(Problem::internal("a request was judged outside the service")));
        };
        let Some(token) = &state.settings.admin_token else {
            return ready(Ok(Self));
        };
        let mut headers = request.headers().get_all(AUTHORIZATION);
        let allowed = match (headers.next(), headers.next()) {
            (Some(only), None) => token.is_borne_by(only.as_bytes()),
            _ => false,
        };
        ready(if allowed { Ok(Self) } else { Err(Problem::unauthorized()) })
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
            assert!(right.is_borne_by(authorization.as_bytes()), "{authorization}");
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
            assert!(!right.is_borne_by(authorization.as_bytes()), "{authorization}");
        }
        assert!(!format!("{right:?}").contains(TOKEN));
    }
}
