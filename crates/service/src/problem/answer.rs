//! A problem as an HTTP answer, and the framework's own errors as problems.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::{ToSchema, openapi::Object};

use super::{Code, FieldError, Problem};
use crate::openapi::schemas;

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// What a 401 must ask for (RFC 9110, 11.6.1; RFC 6750, 3).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"administration\"");

/// The members of RFC 9457 with our extensions. The type `about:blank` says that the title is the status' phrase.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// Always `about:blank`.
    r#type: &'static str,
    /// The status' phrase.
    title: &'static str,
    /// The answer's status.
    status: u16,
    /// What went wrong; stable, for programs.
    #[schema(schema_with = any_code)]
    code: &'static str,
    /// What went wrong, in words, for people.
    detail: &'a str,
    /// The answer's `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    request_id: Option<&'a str>,
    /// With `invalid_field`: each field or query parameter that breaks a rule.
    /// With `malformed_request`: the query parameter that cannot be read.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldError],
}

fn any_code() -> Object {
    schemas::one_of(Code::ALL.iter().map(|code| code.as_str()))
}

impl Problem {
    /// The problem in which an answer of the framework is told, if it is an error and says nothing itself.
    pub(crate) fn of_answer(answer: &HttpResponse<BoxBody>, request_limit: usize) -> Option<Self> {
        let status = answer.status();
        if !status.is_client_error() && !status.is_server_error() {
            return None;
        }
        if let Some(problem) = answer.error().and_then(|error| error.as_error::<Problem>()) {
            return Some(problem.clone());
        }
        let silent = matches!(answer.body().size(), BodySize::None | BodySize::Sized(0));
        let cause = answer.error().map(ToString::to_string);
        (silent || cause.is_some()).then(|| Self::of_status(status, cause, request_limit))
    }

    fn of_status(status: StatusCode, cause: Option<String>, request_limit: usize) -> Self {
        let problem = match status {
            StatusCode::NOT_FOUND => Self::route_not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(Code::MethodNotAllowed, "This path does not answer this method."),
            StatusCode::REQUEST_TIMEOUT => Self::request_timeout(),
            StatusCode::PAYLOAD_TOO_LARGE => Self::payload_too_large(request_limit),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::unsupported_media_type(),
            StatusCode::SERVICE_UNAVAILABLE => Self::overloaded(),
            status if status.is_server_error() => Self::internal(cause.as_deref().unwrap_or("unknown")),
            _ => Self::malformed_request("The request cannot be read."),
        };
        Self { status, ..problem }
    }

    /// Writes the problem into an answer, whose other headers stay.
    pub(crate) fn write_into(&self, answer: HttpResponse<BoxBody>, request_id: Option<&str>) -> HttpResponse<BoxBody> {
        let document = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code.as_str(),
            detail: &self.detail,
            request_id,
            errors: &self.errors,
        };
        // Strings and numbers can always be written as JSON; were it not so, the status alone would still be right.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut answer = answer.set_body(BoxBody::new(body));
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, MEDIA_TYPE);
        headers.insert(CACHE_CONTROL, NO_STORE);
        if self.code == Code::Unauthorized {
            headers.insert(WWW_AUTHENTICATE, CHALLENGE);
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        answer
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// The answer without a request id, which the server's middleware adds.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.write_into(HttpResponse::new(self.status), None)
    }
}
