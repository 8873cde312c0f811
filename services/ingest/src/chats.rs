//! `POST …/chats`: creates a chat, with or without a name.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use domain::{ChatName, Field};
use numbering::NewChat;
use problems::of_numbering;
use ratelimit::Deferred;
use service::{
    http::{Body, Family, path},
    json::text_field,
    problem::Problem,
};

use crate::{answers, key::Key, origin::Origin, state::State};

/// Of both families, and of the older spelling `POST /chats/{token}`.
pub(crate) async fn create(
    state: Data<State>,
    request: HttpRequest,
    key: Key,
    body: Body,
    charge: Deferred,
    origin: Origin,
) -> Result<HttpResponse, Problem> {
    let deadline = Instant::now() + state.settings.create_timeout();
    let token = path::application(&request)?;
    let mut fields = body.optional_object(Some("chat"))?;
    let name = text_field(&mut fields, Field::Name)?.map(ChatName::new).transpose()?;
    let new = NewChat { token, name, key: key.0, charge: charge.0, request_id: origin.request_id(), trace: origin.trace.clone() };
    let accepted = state.numbering.create_chat(&new, deadline).await.map_err(of_numbering)?;
    Ok(answers::chat(Family::of(&request), accepted))
}
