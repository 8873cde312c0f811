//! What paths of several services name, by `{token}` and `{number}`. A segment that cannot be a token or a number names nothing,
//! and is answered 404 like one that is unknown. It is read as the router has decoded it, and must never be decoded once more:
//! the framework's own extractor does, and then `%%33%31` is a way to write `1`.

use actix_web::HttpRequest;
use domain::{ApplicationToken, ChatNumber};

use super::token_header;
use crate::problem::Problem;

/// The application, by the path's `{token}`, or by the header on paths of the older spelling.
///
/// # Errors
/// 404, and as [`token_header`].
pub fn application(request: &HttpRequest) -> Result<ApplicationToken, Problem> {
    let text = match request.match_info().get("token") {
        Some(segment) => segment,
        None => token_header(request.headers())?,
    };
    ApplicationToken::parse(text).map_err(|_| Problem::application_not_found())
}

/// The chat, by `{number}`.
///
/// # Errors
/// 404.
pub fn chat(request: &HttpRequest) -> Result<ChatNumber, Problem> {
    ChatNumber::parse(request.match_info().query("number")).map_err(|_| Problem::chat_not_found())
}
