//! `POST …/messages`: creates a message in a chat.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use domain::{Field, Invalid, MessageBody, MessageNumber, Rule};
use numbering::{Accepted, NewMessage};
use problems::of_numbering;
use ratelimit::Deferred;
use serde_json::{Map, Value};
use service::{
    http::{Body, path},
    json::text_field,
    problem::Problem,
};

use crate::{answers::Family, key::Key, origin::Origin, state::State};

/// Of the unversioned family, and of the older spelling `POST /chats/{number}/messages`: there the application is named in a header.
pub(crate) async fn create(
    state: Data<State>,
    request: HttpRequest,
    key: Key,
    body: Body,
    charge: Deferred,
    origin: Origin,
) -> Result<HttpResponse, Problem> {
    Ok(Family::Unversioned.message(accept(&state, &request, key, &body, charge, &origin).await?))
}

/// Of `/api/v1`.
pub(crate) async fn create_v1(
    state: Data<State>,
    request: HttpRequest,
    key: Key,
    body: Body,
    charge: Deferred,
    origin: Origin,
) -> Result<HttpResponse, Problem> {
    Ok(Family::V1.message(accept(&state, &request, key, &body, charge, &origin).await?))
}

async fn accept(
    state: &State,
    request: &HttpRequest,
    key: Key,
    body: &Body,
    charge: Deferred,
    origin: &Origin,
) -> Result<Accepted<MessageNumber>, Problem> {
    let deadline = Instant::now() + state.settings.create_timeout();
    let (token, chat) = (path::application(request)?, path::chat(request)?);
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
    state.numbering.create_message(&new, deadline).await.map_err(of_numbering)
}

/// A message's text out of its fields.
pub(crate) fn text(fields: &mut Map<String, Value>) -> Result<MessageBody, Invalid> {
    let text = text_field(fields, Field::Body)?.ok_or_else(|| Invalid::new(Field::Body, Rule::Required))?;
    MessageBody::new(text)
}
