//! `POST …/chats`: creates a chat, with or without a name.

use std::time::Instant;

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use domain::{ApplicationToken, ChatName, ChatNumber, Field};
use numbering::NewChat;
use service::{
    http::{Body, RequestId},
    json::text_field,
    problem::Problem,
};

use crate::{answers, errors::problem, state::State};

/// Of the unversioned family, and of the older spelling `POST /chats/{token}`.
pub(crate) async fn create(state: Data<State>, token: Path<String>, body: Body, id: RequestId) -> Result<HttpResponse, Problem> {
    let number = accept(&state, &token, &body, &id).await?;
    Ok(answers::created(number.get(), "Chat created successfully"))
}

/// Of `/api/v1`.
pub(crate) async fn create_v1(
    state: Data<State>,
    token: Path<String>,
    body: Body,
    id: RequestId,
) -> Result<HttpResponse, Problem> {
    let number = accept(&state, &token, &body, &id).await?;
    Ok(answers::accepted(number.get()))
}

async fn accept(state: &State, token: &str, body: &Body, id: &RequestId) -> Result<ChatNumber, Problem> {
    let deadline = Instant::now() + state.settings.create_timeout();
    let token = ApplicationToken::parse(token).map_err(|_| Problem::application_not_found())?;
    let mut fields = body.optional_object(Some("chat"))?;
    let name = text_field(&mut fields, Field::Name)?.map(ChatName::new).transpose()?;
    let new = NewChat { token, name, request_id: id.to_string() };
    state.numbering.create_chat(&new, deadline).await.map_err(problem)
}
