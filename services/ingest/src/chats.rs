//! `POST …/chats`: creates a chat, with or without a name.

use std::time::Instant;

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use domain::{ApplicationToken, ChatName, ChatNumber, Field};
use numbering::{Accepted, NewChat};
use ratelimit::Deferred;
use service::{
    http::{Body, RequestId},
    json::text_field,
    problem::Problem,
};

use crate::{answers::Family, errors::problem, key::Key, state::State};

/// Of the unversioned family, and of the older spelling `POST /chats/{token}`.
pub(crate) async fn create(
    state: Data<State>,
    token: Path<String>,
    key: Key,
    body: Body,
    charge: Deferred,
    id: RequestId,
) -> Result<HttpResponse, Problem> {
    Ok(Family::Unversioned.chat(accept(&state, &token, key, &body, charge, &id).await?))
}

/// Of `/api/v1`.
pub(crate) async fn create_v1(
    state: Data<State>,
    token: Path<String>,
    key: Key,
    body: Body,
    charge: Deferred,
    id: RequestId,
) -> Result<HttpResponse, Problem> {
    Ok(Family::V1.chat(accept(&state, &token, key, &body, charge, &id).await?))
}

async fn accept(
    state: &State,
    token: &str,
    key: Key,
    body: &Body,
    charge: Deferred,
    id: &RequestId,
) -> Result<Accepted<ChatNumber>, Problem> {
    let deadline = Instant::now() + state.settings.create_timeout();
    let token = ApplicationToken::parse(token).map_err(|_| Problem::application_not_found())?;
    let mut fields = body.optional_object(Some("chat"))?;
    let name = text_field(&mut fields, Field::Name)?.map(ChatName::new).transpose()?;
    let new = NewChat { token, name, key: key.0, charge: charge.0, request_id: id.to_string() };
    state.numbering.create_chat(&new, deadline).await.map_err(problem)
}
