//! Compresses large answers with gzip for clients that accept it.
//!
//! Answers are whole in memory, so the length stays known, and small ones, on which gzip only costs time, are left alone. The
//! framework's own middleware knows no lower bound, answers 406 where plain text would do, and loses the length.

use std::io::{self, Write as _};

use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AcceptEncoding, CONTENT_ENCODING, ContentEncoding, ETAG, Encoding, HeaderMap, HeaderValue, VARY};
use actix_web::middleware::Next;
use actix_web::web::{self, Bytes};
use actix_web::{Error, HttpMessage, HttpResponse};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Smaller bodies fit into a packet or two with their heads.
const MIN_BYTES: u64 = 1024;
/// Larger ones take more than about a millisecond, which other requests of the same worker should not wait for.
const MAX_BYTES_IN_PLACE: usize = 64 * 1024;
/// JSON shrinks to a third at the fastest level already; higher ones take twice the time and more for a tenth less.
const LEVEL: Compression = Compression::fast();

/// Answers through `next`, and compresses what comes back.
pub(super) async fn compress(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    let accepted = accepts_gzip(&request);
    let (request, mut answer) = next.call(request).await?.into_parts();
    vary(answer.headers_mut());
    let large = matches!(answer.body().size(), BodySize::Sized(length) if length >= MIN_BYTES);
    if accepted && large && answer.status().is_success() && !answer.headers().contains_key(CONTENT_ENCODING) {
        answer = compressed(answer).await;
    }
    Ok(ServiceResponse::new(request, answer))
}

/// Whether the client accepts gzip, and likes nothing that we have better.
fn accepts_gzip(request: &ServiceRequest) -> bool {
    let accept = request.get_header::<AcceptEncoding>();
    accept.is_some_and(|accept| accept.negotiate([Encoding::gzip(), Encoding::identity()].iter()) == Some(Encoding::gzip()))
}

async fn compressed(answer: HttpResponse) -> HttpResponse {
    let (head, body) = answer.into_parts();
    let plain = match body.try_into_bytes() {
        Ok(bytes) => bytes,
        Err(streamed) => return head.set_body(streamed),
    };
    let packed = if plain.len() <= MAX_BYTES_IN_PLACE {
        gzip(&plain)
    } else {
        let plain = plain.clone();
        web::block(move || gzip(&plain)).await.unwrap_or_else(|cancelled| Err(io::Error::other(cancelled)))
    };
    // Writing to memory does not fail; were it to, the plain body is still right.
    let Ok(packed) = packed else { return head.set_body(BoxBody::new(plain)) };
    let mut answer = head.set_body(BoxBody::new(packed));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(ContentEncoding::Gzip.as_str()));
    weaken(headers);
    answer
}

fn gzip(plain: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 2), LEVEL);
    encoder.write_all(plain)?;
    encoder.finish().map(Bytes::from)
}

/// The answer depends on what the client accepts, compressed or not. One line, because that is what is added to further out.
fn vary(headers: &mut HeaderMap) {
    let mut value = headers.get(VARY).map(|value| [value.as_bytes(), b", "].concat()).unwrap_or_default();
    value.extend(b"Accept-Encoding");
    if let Ok(value) = HeaderValue::from_bytes(&value) {
        headers.insert(VARY, value);
    }
}

/// A strong tag names the very bytes (RFC 9110, 8.8.1), which are others now.
fn weaken(headers: &mut HeaderMap) {
    let weak = headers.get(ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/"));
    if let Some(weak) = weak.and_then(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok()) {
        headers.insert(ETAG, weak);
    }
}
