//! `POST …/messages`: creates a message in a chat.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use domain::{Field, Invalid, MessageBody, Rule};
use numbering::NewMessage;
use problems::of_numbering;
use ratelimit::Deferred;
use serde_json::{Map, Value};
use service::{
    http::{Body, Family, path},
    json::text_field,
    problem::Problem,
};

use crate::{answers, key::Key, origin::Origin, state::State};

/// Of both families, and of the older spelling `POST /chats/{number}/messages`: there the application is named in a header.
pub(crate) async fn create(
    state: Data<State>,
    request: HttpRequest,
    key: Key,
    body: Body,
    charge: Deferred,
    origin: Origin,
) -> Result<HttpResponse, Problem> {
    let deadline = Instant::now() + state.settings.create_timeout();
    let (token, chat) = (path::application(&request)?, path::chat(&request)?);
    let body = text(&mut body.object(Some("message"))?)?;
    let new = NewMessage {
        token,
        chat,
        body,
        key: key.0,
        charge: charge.0,
        request_id: origin.request_id(),
        trace: origin.trace.clone(),
    };
    let accepted = state.numbering.create_message(&new, deadline).await.map_err(of_numbering)?;
    Ok(answers::message(Family::of(&request), accepted))
}

/// A message's text out of its fields.
pub(crate) fn text(fields: &mut Map<String, Value>) -> Result<MessageBody, Invalid> {
    let text = text_field(fields, Field::Body)?.ok_or_else(|| Invalid::new(Field::Body, Rule::Required))?;
    MessageBody::new(text)
}
