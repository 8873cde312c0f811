//! What a path names. A segment that cannot be a token or a number names nothing, and is answered 404 like one that is unknown.

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::{ApplicationToken, ChatNumber, MessageNumber};
use service::{http::token_header, problem::Problem};
use std::future::{Ready, ready};

/// An application, by the path's `{token}`, or by the header on paths of the older spelling.
pub(crate) struct ApplicationPath {
    pub(crate) token: ApplicationToken,
}

/// A chat, by `{token}` and `{number}`.
#[derive(Clone, Copy)]
pub(crate) struct ChatPath {
    pub(crate) token: ApplicationToken,
    pub(crate) chat: ChatNumber,
}

/// A message, by `{token}`, `{number}` and `{message}`.
#[derive(Clone, Copy)]
pub(crate) struct MessagePath {
    pub(crate) token: ApplicationToken,
    pub(crate) chat: ChatNumber,
    pub(crate) message: MessageNumber,
}

fn token(request: &HttpRequest) -> Result<ApplicationToken, Problem> {
    let text = match request.match_info().get("token") {
        Some(segment) => segment,
        None => token_header(request.headers())?,
    };
    ApplicationToken::parse(text).map_err(|_| Problem::application_not_found())
}

fn chat(request: &HttpRequest) -> Result<ChatNumber, Problem> {
    ChatNumber::parse(request.match_info().query("number")).map_err(|_| Problem::chat_not_found())
}

impl FromRequest for ApplicationPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(token(request).map(|token| Self { token }))
    }
}

impl FromRequest for ChatPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let path = || Ok(Self { token: token(request)?, chat: chat(request)? });
        ready(path())
    }
}

impl FromRequest for MessagePath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let path = || {
            let message = MessageNumber::parse(request.match_info().query("message"));
            Ok(Self { token: token(request)?, chat: chat(request)?, message: message.map_err(|_| Problem::message_not_found())? })
        };
        ready(path())
    }
}
