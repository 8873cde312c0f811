//! `POST …/messages`: creates a message in a chat.

use std::time::Instant;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use domain::{ApplicationToken, ChatNumber, Field, Invalid, MessageBody, MessageNumber, Rule};
use numbering::NewMessage;
use service::{
    http::{Body, RequestId},
    json::text_field,
    problem::Problem,
};

use crate::{answers, errors::problem, state::State};

const CREATED: &str = "Message created successfully";
const TOKEN_HEADER: &str = "X-Application-Token";

/// Of the unversioned family.
pub(crate) async fn create(
    state: Data<State>,
    path: Path<(String, String)>,
    body: Body,
    id: RequestId,
) -> Result<HttpResponse, Problem> {
    let number = accept(&state, &path.0, &path.1, &body, &id).await?;
    Ok(answers::created(number.get(), CREATED))
}

/// Of `/api/v1`.
pub(crate) async fn create_v1(
    state: Data<State>,
    path: Path<(String, String)>,
    body: Body,
    id: RequestId,
) -> Result<HttpResponse, Problem> {
    let number = accept(&state, &path.0, &path.1, &body, &id).await?;
    Ok(answers::accepted(number.get()))
}

/// The older spelling: a chat's number alone names no chat, so the application's token must come in a header.
pub(crate) async fn create_by_header(
    state: Data<State>,
    chat: Path<String>,
    request: HttpRequest,
    body: Body,
    id: RequestId,
) -> Result<HttpResponse, Problem> {
    let token = request.headers().get(TOKEN_HEADER).ok_or_else(|| Problem::missing_header(TOKEN_HEADER))?;
    let number = accept(&state, token.to_str().unwrap_or_default(), &chat, &body, &id).await?;
    Ok(answers::created(number.get(), CREATED))
}

async fn accept(state: &State, token: &str, chat: &str, body: &Body, id: &RequestId) -> Result<MessageNumber, Problem> {
    let deadline = Instant::now() + state.settings.create_timeout();
    let token = ApplicationToken::parse(token).map_err(|_| Problem::application_not_found())?;
    let chat = ChatNumber::parse(chat).map_err(|_| Problem::chat_not_found())?;
    let mut fields = body.object(Some("message"))?;
    let text = text_field(&mut fields, Field::Body)?.ok_or_else(|| Invalid::new(Field::Body, Rule::Required))?;
    let new = NewMessage { token, chat, body: MessageBody::new(text)?, request_id: id.to_string() };
    state.numbering.create_message(&new, deadline).await.map_err(problem)
}
