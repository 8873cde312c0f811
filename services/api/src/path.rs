//! What a path names. A segment that cannot be a token or a number is answered 404 like one that is unknown.

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::{ApplicationToken, ChatNumber, MessageNumber};
use service::{
    http::path::{application, chat},
    problem::Problem,
};
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

impl FromRequest for ApplicationPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(application(request).map(|token| Self { token }))
    }
}

impl FromRequest for ChatPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let path = || Ok(Self { token: application(request)?, chat: chat(request)? });
        ready(path())
    }
}

impl FromRequest for MessagePath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let path = || {
            let message = MessageNumber::parse(request.match_info().query("message"));
            Ok(Self {
                token: application(request)?,
                chat: chat(request)?,
                message: message.map_err(|_| Problem::message_not_found())?,
            })
        };
        ready(path())
    }
}
