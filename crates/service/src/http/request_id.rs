//! The name of a request in answers, logs and events: the client's own if it sends a usable one, else a new UUID.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use uuid::{Builder, Uuid};

pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const MAX_CHARS: usize = 128;

/// A request's id: 1 to 128 visible ASCII characters. Clones share the text. Handlers can ask for it as an argument.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        // Both constructors let only ASCII pass.
        self.0.to_str().unwrap_or_default()
    }

    /// The id that the client sent, if it sent exactly one and it is usable.
    pub(super) fn sent(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(HEADER);
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        let usable = (1..=MAX_CHARS).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
        usable.then(|| Self(value.clone()))
    }

    fn from_uuid(uuid: Uuid) -> Option<Self> {
        let mut text = Uuid::encode_buffer();
        HeaderValue::from_str(uuid.hyphenated().encode_lower(&mut text)).ok().map(Self)
    }

    pub(super) fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

impl FromRequest for RequestId {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let known = request.extensions().get::<RequestId>().cloned();
        ready(Ok(known.unwrap_or_else(|| RequestIds::new().next())))
    }
}

/// Makes the ids of one worker: a random prefix and a counter, in the form of a version 8 UUID (RFC 9562). A random draw for
/// each request would cost a call of the operating system.
pub(super) struct RequestIds {
    prefix: u64,
    counter: Cell<u64>,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        let (prefix, _) = Uuid::new_v4().as_u64_pair();
        Self { prefix, counter: Cell::new(0) }
    }

    pub(super) fn next(&self) -> RequestId {
        let count = self.counter.get().wrapping_add(1);
        self.counter.set(count);
        let plain = Uuid::from_u64_pair(self.prefix, count);
        let uuid = Builder::from_custom_bytes(plain.into_bytes()).into_uuid();
        RequestId::from_uuid(uuid).unwrap_or(RequestId(HeaderValue::from_static("unknown")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn made_ids_are_uuids_and_differ() {
        let (one, other) = (RequestIds::new(), RequestIds::new());
        let ids: HashSet<_> = (0..1000).flat_map(|_| [one.next().to_string(), other.next().to_string()]).collect();
        assert_eq!(ids.len(), 2000);
        for id in ids {
            let uuid = Uuid::parse_str(&id).unwrap();
            assert_eq!((uuid.get_version_num(), uuid.get_variant()), (8, uuid::Variant::RFC4122));
        }
    }

    #[test]
    fn only_one_id_of_visible_ascii_is_taken_from_the_client() {
        let sent = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| headers.append(HEADER, HeaderValue::from_bytes(value).unwrap()));
            RequestId::sent(&headers).map(|id| id.to_string())
        };
        assert_eq!(sent(&[b"a-1/{~}"]).as_deref(), Some("a-1/{~}"));
        assert_eq!(sent(&[&[b'x'; 128]]), Some("x".repeat(128)));
        for refused in [&[] as &[&[u8]], &[b""], &[b"a b"], &[b"a\tb"], &["é".as_bytes()], &[&[b'x'; 129]], &[b"a", b"b"]] {
            assert_eq!(sent(refused), None, "{refused:?}");
        }
    }
}
