//! A request's body, read whole under a limit of size and of time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::settings::{BodyLimits, LargeBodies, OwnBodyLimit};
use crate::json;
use crate::problem::Problem;

/// Bytes that are reserved for a body that is announced and has not come.
const MAX_RESERVED: usize = 64 * 1024;

/// A request's body. Ask for it as a handler's argument: larger than `http.request_bytes`, or the limit that the
/// [endpoint](super::Endpoint::body_limit) has for itself, it is answered 413, without waiting
/// for it if its length is announced; slower than `http.client_body_ms`, 408; with a content encoding, 415. While large ones fill
/// `http.large_bodies_bytes`, one that grows beyond `http.request_bytes` is answered 503.
#[derive(Clone)]
pub struct Body {
    bytes: Bytes,
    content_type: Option<HeaderValue>,
    /// What a large one takes of the room for all.
    _room: Option<Arc<OwnedSemaphorePermit>>,
}

impl Body {
    /// The fields of the JSON object that the body is; see [`json::read_object`].
    ///
    /// # Errors
    /// As [`json::read_object`].
    pub fn object(&self, wrapper: Option<&str>) -> Result<Map<String, Value>, Problem> {
        json::read_object(&self.bytes, self.content_type(), wrapper)
    }

    /// As [`Body::object`] where the body may be left out; see [`json::read_optional_object`].
    ///
    /// # Errors
    /// As [`json::read_optional_object`].
    pub fn optional_object(&self, wrapper: Option<&str>) -> Result<Map<String, Value>, Problem> {
        json::read_optional_object(&self.bytes, self.content_type(), wrapper)
    }

    /// The body as it came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The header `Content-Type`; one that is not text counts as a type that nobody knows.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_ref().map(|value| value.to_str().unwrap_or("unreadable"))
    }
}

impl FromRequest for Body {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let own_limit = request.app_data::<OwnBodyLimit>().copied();
        let general = request.app_data::<BodyLimits>();
        let limits = general.map(|general| BodyLimits { bytes: own_limit.map_or(general.bytes, |own| own.0), ..*general });
        let room = request.app_data::<LargeBodies>().zip(general).map(|(large, general)| Room::in_all(large, general.bytes));
        let headers = request.headers();
        let content_type = headers.get(CONTENT_TYPE).cloned();
        let is_typed_twice = headers.get_all(CONTENT_TYPE).count() > 1;
        let is_encoded = headers.get_all(CONTENT_ENCODING).any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
        let is_unending = is_unending(headers);
        let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let payload = payload.take();
        Box::pin(async move {
            let (limits, room) = limits.zip(room).ok_or_else(|| Problem::internal("a body was read outside the server"))?;
            if is_typed_twice {
                return Err(Problem::malformed_request("The header Content-Type must be given once."));
            }
            if is_encoded {
                return Err(Problem::unsupported_media_type());
            }
            if announced.is_some_and(|length| length > limits.bytes) {
                return Err(Problem::payload_too_large(limits.bytes));
            }
            let announced = announced.unwrap_or_default();
            let reading = async move {
                if is_unending {
                    read_announced(payload, announced, room).await
                } else {
                    read(payload, announced, limits.bytes, room).await
                }
            };
            let read = tokio::time::timeout(limits.deadline, reading).await.map_err(|_| Problem::request_timeout())?;
            let (bytes, room) = read?;
            Ok(Self { bytes, content_type, _room: room.map(Arc::new) })
        })
    }
}

/// What one body takes of the room that all large ones share.
struct Room {
    all: Arc<Semaphore>,
    /// Bytes that each body has for nothing.
    free: usize,
    taken: Option<OwnedSemaphorePermit>,
}

impl Room {
    fn in_all(large: &LargeBodies, free: usize) -> Self {
        Self { all: Arc::clone(&large.0), free, taken: None }
    }

    /// Makes room for a body that grows from so many bytes to so many.
    fn grow(&mut self, from: usize, to: usize) -> Result<(), Problem> {
        let more = to.saturating_sub(self.free) - from.saturating_sub(self.free);
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).map_err(Problem::internal)?;
        let more = Arc::clone(&self.all).try_acquire_many_owned(more).map_err(|_| Problem::overloaded())?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }
}

async fn read(
    mut payload: Payload,
    announced: usize,
    limit: usize,
    mut room: Room,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Problem> {
    let mut bytes = BytesMut::with_capacity(announced.min(MAX_RESERVED));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| unreadable(&error, limit))?;
        if bytes.len() + chunk.len() > limit {
            return Err(Problem::payload_too_large(limit));
        }
        room.grow(bytes.len(), bytes.len() + chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes.freeze(), room.taken))
}

/// Whether the framework reads on behind the body's announced end: it takes what follows a request for another protocol for all
/// that ever comes, though it is asked for something that no route speaks.
fn is_unending(headers: &HeaderMap) -> bool {
    let asks = headers.get_all(UPGRADE).any(|protocol| protocol.as_bytes().trim_ascii().eq_ignore_ascii_case(b"websocket"));
    asks && !headers.contains_key(TRANSFER_ENCODING)
}

/// As [`read`], to the announced length and no further. What is left unread ends the connection.
async fn read_announced(
    mut payload: Payload,
    announced: usize,
    mut room: Room,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Problem> {
    let mut bytes = BytesMut::with_capacity(announced.min(MAX_RESERVED));
    while bytes.len() < announced {
        let chunk = payload.next().await.unwrap_or(Err(PayloadError::Incomplete(None)));
        let chunk = chunk.map_err(|error| unreadable(&error, announced))?;
        let chunk = &chunk[..chunk.len().min(announced - bytes.len())];
        room.grow(bytes.len(), bytes.len() + chunk.len())?;
        bytes.extend_from_slice(chunk);
    }
    Ok((bytes.freeze(), room.taken))
}

fn unreadable(error: &PayloadError, limit: usize) -> Problem {
    match error {
        PayloadError::Overflow => Problem::payload_too_large(limit),
        _ => Problem::malformed_request("The body is incomplete or wrongly framed."),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::{FutureExt, stream};
    use tokio::sync::mpsc;

    use super::*;

    /// A body whose chunks the test sends.
    fn payload() -> (mpsc::UnboundedSender<Result<Bytes, PayloadError>>, Payload) {
        let (send, mut chunks) = mpsc::unbounded_channel();
        (send, Payload::Stream { payload: Box::pin(stream::poll_fn(move |context| chunks.poll_recv(context))) })
    }

    fn bytes(length: usize) -> Result<Bytes, PayloadError> {
        Ok(vec![b'x'; length].into())
    }

    #[tokio::test]
    async fn what_has_come_of_a_large_body_takes_room_before_its_end() {
        let all = Arc::new(Semaphore::new(9_000));
        let room = || Room { all: all.clone(), free: 1_000, taken: None };
        let (send, slow) = payload();
        let mut reading = pin!(read(slow, 0, 10_000, room()));
        for (came, left) in [(1_000, 9_000), (500, 8_500), (3_500, 5_000)] {
            send.send(bytes(came)).unwrap();
            assert!(reading.as_mut().now_or_never().is_none());
            assert_eq!(all.available_permits(), left);
        }
        for (other, fits) in [(6_001, false), (6_000, true)] {
            let (send, quick) = payload();
            send.send(bytes(other)).unwrap();
            drop(send);
            assert_eq!(read(quick, other, 10_000, room()).await.is_ok(), fits, "{other}");
        }
        drop(send);
        let (body, taken) = reading.await.unwrap();
        assert_eq!((body.len(), all.available_permits()), (5_000, 5_000));
        drop(taken);
        assert_eq!(all.available_permits(), 9_000);
    }
}
