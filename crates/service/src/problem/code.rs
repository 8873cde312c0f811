//! The stable codes of all problems: what client programs tell problems apart by. A code, once published, keeps its meaning.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $status:ident;)*) => {
        /// What went wrong, as the member `code` says it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])* $name,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// The code as clients see it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Code::$name => $text,)*
                }
            }

            /// What it means, in a sentence: the code's own documentation.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Code::$name => concat!($($doc),*).trim(),)*
                }
            }

            /// The status that goes with the code.
            pub fn status(self) -> StatusCode {
                match self {
                    $(Code::$name => StatusCode::$status,)*
                }
            }
        }
    };
}

codes! {
    /// The body is not JSON, or not a JSON object.
    MalformedJson = "malformed_json", BAD_REQUEST;
    /// Another part of the request cannot be read.
    MalformedRequest = "malformed_request", BAD_REQUEST;
    /// A header that the route needs is not there.
    MissingHeader = "missing_header", BAD_REQUEST;
    /// The route is for administrators, and the request bears no administrator's token, or another.
    Unauthorized = "unauthorized", UNAUTHORIZED;
    /// No application has the token.
    ApplicationNotFound = "application_not_found", NOT_FOUND;
    /// The application has no chat with the number.
    ChatNotFound = "chat_not_found", NOT_FOUND;
    /// The chat has no message with the number.
    MessageNotFound = "message_not_found", NOT_FOUND;
    /// There is no such route.
    RouteNotFound = "route_not_found", NOT_FOUND;
    /// The route does not know the method; `Allow` names those that it knows.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED;
    /// The client took too long to send its request.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT;
    /// The number was given, and what it names is not stored yet: try again.
    NotYetStored = "not_yet_stored", CONFLICT;
    /// It has changed since the client looked, or a condition of the request is not met otherwise: read it again.
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED;
    /// The body is larger than the limit.
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE;
    /// The body is not JSON by its type, or is encoded.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE;
    /// Fields or query parameters break rules; `errors` names each.
    InvalidField = "invalid_field", UNPROCESSABLE_ENTITY;
    /// The idempotency key was used for another request.
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY;
    /// Too many requests from one client: wait as long as `Retry-After` says.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS;
    /// A bug.
    Internal = "internal_error", INTERNAL_SERVER_ERROR;
    /// A server that is needed does not answer: try again.
    DependencyUnavailable = "dependency_unavailable", SERVICE_UNAVAILABLE;
    /// Too much waits already: try again.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE;
    /// It took too long, and may or may not have happened.
    Timeout = "timeout", SERVICE_UNAVAILABLE;
}

impl Code {
    /// Whether answers with this code bear `Retry-After`.
    pub fn asks_to_retry(self) -> bool {
        matches!(self, Code::NotYetStored | Code::RateLimited | Code::DependencyUnavailable | Code::Overloaded | Code::Timeout)
    }
}
