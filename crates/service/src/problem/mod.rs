//! Every error answer: `application/problem+json` (RFC 9457) with a stable code.
//!
//! Which to use: a bug is [`Problem::internal`]; a server that does not answer is [`Problem::dependency_unavailable`]; the rest
//! is the client's doing. A problem never tells a client the cause of a 5xx, nor repeats what the client sent.

mod answer;
mod code;
mod dependency;
mod field;

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use domain::{Field, Invalid, Rule};

pub use code::Code;
pub use dependency::Dependency;
pub use field::FieldError;

pub(crate) use answer::Document;

/// An error answer. Return it from a handler as the error.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    status: StatusCode,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u32>,
    allow: Option<Cow<'static, str>>,
    /// For the log, never for the client.
    cause: Option<String>,
}

impl Problem {
    fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            status: code.status(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: None,
            allow: None,
            cause: None,
        }
    }

    fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// 404: no application has the token.
    pub fn application_not_found() -> Self {
        Self::new(Code::ApplicationNotFound, "No application has this token.")
    }

    /// 404: the application has no chat with the number.
    pub fn chat_not_found() -> Self {
        Self::new(Code::ChatNotFound, "The application has no chat with this number.")
    }

    /// 404: the chat has no message with the number.
    pub fn message_not_found() -> Self {
        Self::new(Code::MessageNotFound, "The chat has no message with this number.")
    }

    /// 404: there is no such route.
    pub fn route_not_found() -> Self {
        Self::new(Code::RouteNotFound, "There is nothing at this path.")
    }

    /// 401: the route asks for an administrator's token. Bears `WWW-Authenticate`.
    pub fn unauthorized() -> Self {
        Self::new(Code::Unauthorized, "This needs an administrator's token: Authorization: Bearer <token>.")
    }

    /// 405, with `allow` as the value of the header `Allow`.
    pub fn method_not_allowed(allow: impl Into<Cow<'static, str>>) -> Self {
        let allow = allow.into();
        let detail = format!("This path answers {allow}.");
        Self { allow: Some(allow), ..Self::new(Code::MethodNotAllowed, detail) }
    }

    /// 400: the body is not a JSON object. `detail` must not quote it.
    pub fn malformed_json(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::MalformedJson, detail)
    }

    /// 400: another part of the request cannot be read. `detail` must not quote it.
    pub fn malformed_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::MalformedRequest, detail)
    }

    /// 400: a query parameter's value is not UTF-8. `errors` names it.
    pub fn malformed_parameter(name: &'static str) -> Self {
        let error = FieldError::not_utf_8(name);
        let detail = format!("{name} {}.", error.detail);
        Self { errors: vec![error], ..Self::malformed_request(detail) }
    }

    /// 400: a header that the route needs is not there.
    pub fn missing_header(name: &str) -> Self {
        Self::new(Code::MissingHeader, format!("The header {name} is required here."))
    }

    /// 408: the client took too long to send its request.
    pub fn request_timeout() -> Self {
        Self::new(Code::RequestTimeout, "The request did not arrive in time.")
    }

    /// 409: the number was given, and what it names is not stored yet. Bears `Retry-After`.
    pub fn not_yet_stored() -> Self {
        Self::new(Code::NotYetStored, "This was accepted and is not stored yet; try again shortly.").retry_after(1)
    }

    /// 412: what is stored is not what the request's `If-Match` or `If-None-Match` asks for. Nothing was changed.
    pub fn precondition_failed() -> Self {
        Self::new(Code::PreconditionFailed, "This is not in the state that the request asks for; read it again.")
    }

    /// 413: the body is larger than `limit` bytes.
    pub fn payload_too_large(limit: usize) -> Self {
        Self::new(Code::PayloadTooLarge, format!("A request's body may have at most {limit} bytes."))
    }

    /// 415: the body is not JSON by its type, or is encoded.
    pub fn unsupported_media_type() -> Self {
        Self::new(Code::UnsupportedMediaType, "The body must be application/json, without a content encoding.")
    }

    /// 422: each field or query parameter that breaks a rule.
    pub fn invalid(broken: impl IntoIterator<Item = Invalid>) -> Self {
        Self::invalid_fields(broken.into_iter().map(FieldError::from).collect())
    }

    /// As [`Problem::invalid`], where fields are named by their place in a list too.
    pub fn invalid_fields(errors: Vec<FieldError>) -> Self {
        let sentences: Vec<_> = errors.iter().map(|error| format!("{} {}", error.field, error.detail)).collect();
        Self { errors, ..Self::new(Code::InvalidField, format!("{}.", sentences.join("; "))) }
    }

    /// 422: a field that must be named is not.
    pub fn required(field: Field) -> Self {
        Invalid::new(field, Rule::Required).into()
    }

    /// 422: the idempotency key was used for another request.
    pub fn idempotency_key_reused() -> Self {
        Self::new(Code::IdempotencyKeyReused, "This Idempotency-Key was used for another request in this application.")
    }

    /// 429: more requests than this client may send; it may try again after so many seconds. Bears `Retry-After`.
    pub fn rate_limited(retry_after_s: u32) -> Self {
        Self::new(Code::RateLimited, "Too many requests from this address; Retry-After says when there may be more.")
            .retry_after(retry_after_s)
    }

    /// 500: a bug. The cause goes to the log with the request's id, and not to the client.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let detail = "Something went wrong on our side; the request id helps us to find out what.";
        Self { cause: Some(cause.to_string()), ..Self::new(Code::Internal, detail) }
    }

    /// 503: a server that is needed does not answer. Bears `Retry-After`.
    pub fn dependency_unavailable(dependency: Dependency) -> Self {
        let detail = format!("{} is unavailable at the moment; try again shortly.", dependency.as_str());
        Self::new(Code::DependencyUnavailable, detail).retry_after(1)
    }

    /// 503: too much waits already. Bears `Retry-After`.
    pub fn overloaded() -> Self {
        Self::new(Code::Overloaded, "Too many requests wait at the moment; try again shortly.").retry_after(1)
    }

    /// 503: it took too long, and may or may not have happened. Bears `Retry-After`.
    pub fn timeout() -> Self {
        Self::new(Code::Timeout, "This took too long; it may or may not have been done.").retry_after(1)
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The fields that break rules, or the parameter that cannot be read.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// For the log: why, when it is a bug.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::invalid([invalid])
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl std::error::Error for Problem {}
