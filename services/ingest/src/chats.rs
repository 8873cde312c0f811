//! `POST …/chats`: creates a chat, with or without a name.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use domain::{ChatName, ChatNumber, Field};
use numbering::{Accepted, NewChat};
use problems::of_numbering;
use ratelimit::Deferred;
use service::{
    http::{Body, path},
    json::text_field,
    problem::Problem,
};

use crate::{answers::Family, key::Key, origin::Origin, state::State};

/// Of the unversioned family, and of the older spelling `POST /chats/{token}`.
pub(crate) async fn create(
    state: Data<State>,
    request: HttpRequest,
    key: Key,
    body: Body,
    charge: Deferred,
    origin: Origin,
) -> Result<HttpResponse, Problem> {
    Ok(Family::Unversioned.chat(accept(&state, &request, key, &body, charge, &origin).await?))
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
    Ok(Family::V1.chat(accept(&state, &request, key, &body, charge, &origin).await?))
}

async fn accept(
    state: &State,
    request: &HttpRequest,
    key: Key,
    body: &Body,
    charge: Deferred,
    origin: &Origin,
) -> Result<Accepted<ChatNumber>, Problem> {
    let deadline = Instant::now() + state.settings.create_timeout();
    let token = path::application(request)?;
    let mut fields = body.optional_object(Some("chat"))?;
    let name = text_field(&mut fields, Field::Name)?.map(ChatName::new).transpose()?;
    let new = NewChat { token, name, key: key.0, charge: charge.0, request_id: origin.request_id(), trace: origin.trace.clone() };
    state.numbering.create_chat(&new, deadline).await.map_err(of_numbering)
}
