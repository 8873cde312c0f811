//! `POST …/messages`: creates a message in a chat.

use std::time::Instant;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use domain::{ApplicationToken, ChatNumber, Field, Invalid, MessageBody, MessageNumber, Rule};
use numbering::{Accepted, NewMessage};
use ratelimit::Deferred;
use serde_json::{Map, Value};
use service::{
    http::{Body, token_header},
    json::text_field,
    problem::Problem,
};

use crate::{answers::Family, errors::problem, key::Key, origin::Origin, state::State};

/// Of the unversioned family.
pub(crate) async fn create(
    state: Data<State>,
    path: Path<(String, String)>,
    key: Key,
    body: Body,
    charge: Deferred,
    origin: Origin,
) -> Result<HttpResponse, Problem> {
    Ok(Family::Unversioned.message(accept(&state, &path.0, &path.1, key, &body, charge, &origin).await?))
}

/// Of `/api/v1`.
pub(crate) async fn create_v1(
    state: Data<State>,
    path: Path<(String, String)>,
    key: Key,
    body: Body,
    charge: Deferred,
    origin: Origin,
) -> Result<HttpResponse, Problem> {
    Ok(Family::V1.message(accept(&state, &path.0, &path.1, key, &body, charge, &origin).await?))
}

/// The older spelling: a chat's number alone names no chat, so the application's token must come in a header.
pub(crate) async fn create_by_header(
    state: Data<State>,
    chat: Path<String>,
    request: HttpRequest,
    key: Key,
    body: Body,
    charge: Deferred,
    origin: Origin,
) -> Result<HttpResponse, Problem> {
    let token = token_header(request.headers())?;
    let accepted = accept(&state, token, &chat, key, &body, charge, &origin).await?;
    Ok(Family::Unversioned.message(accepted))
}

async fn accept(
    state: &State,
    token: &str,
    chat: &str,
    key: Key,
    body: &Body,
    charge: Deferred,
    origin: &Origin,
) -> Result<Accepted<MessageNumber>, Problem> {
    let deadline = Instant::now() + state.settings.create_timeout();
    let (token, chat) = chat_of(token, chat)?;
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
    state.numbering.create_message(&new, deadline).await.map_err(problem)
}

/// The chat that a path names; whether it is there is known to the numbering.
pub(crate) fn chat_of(token: &str, chat: &str) -> Result<(ApplicationToken, ChatNumber), Problem> {
    let token = ApplicationToken::parse(token).map_err(|_| Problem::application_not_found())?;
    Ok((token, ChatNumber::parse(chat).map_err(|_| Problem::chat_not_found())?))
}

/// A message's text out of its fields.
pub(crate) fn text(fields: &mut Map<String, Value>) -> Result<MessageBody, Invalid> {
    let text = text_field(fields, Field::Body)?.ok_or_else(|| Invalid::new(Field::Body, Rule::Required))?;
    MessageBody::new(text)
}
