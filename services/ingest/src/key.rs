//! The header `Idempotency-Key`, read at the edge.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::HeaderMap};
use domain::{IdempotencyKey, MAX_KEY_CHARS};
use service::problem::Problem;

/// Carries the key.
pub(crate) const HEADER: &str = "Idempotency-Key";

/// The request's key, if it has one. A header that cannot be one, or two of them, are answered 400: a client that believes in its
/// key must not be left without.
pub(crate) struct Key(pub(crate) Option<IdempotencyKey>);

impl Key {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(HEADER);
        let Some(value) = values.next() else { return Ok(Self(None)) };
        match (IdempotencyKey::parse(value.as_bytes()), values.next()) {
            (Some(key), None) => Ok(Self(Some(key))),
            _ => {
                let rule = format!("The header {HEADER} must be given once, with 1 to {MAX_KEY_CHARS} visible ASCII characters.");
                Err(Problem::malformed_request(rule))
            }
        }
    }
}

impl FromRequest for Key {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request.headers()))
    }
}
