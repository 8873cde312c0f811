//! `…/messages`: a message, its text, and the list of a chat's messages.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, http::Method, web::Data};
use domain::{
    ApplicationId, ApplicationToken, ChatNumber, Field, Message, MessageBody as Text, MessageNumber, PageLimit, PageRequest,
    Timestamp,
};
use problems::{of_numbering, of_store};
use service::{
    http::{Body, Conditions, Family},
    json::text_field,
    problem::Problem,
};
use store::{Lookup, Updated, chats as chat_rows, messages};

use crate::{
    cached, chats,
    conditional::{answer_read, may_replace, show, unchanged},
    kept::Listed,
    paging::{self, Neighbours},
    parameters::Parameters,
    path::{ChatPath, MessagePath},
    representation::MessageBody,
    state::State,
    unbroken::unbroken,
    waiting::{FENCE_WITHIN, Waited, Wanted, pending, wait_for},
};

/// `GET …/messages/{message}`
pub(crate) async fn read(state: Data<State>, path: MessagePath, conditions: Conditions) -> Result<HttpResponse, Problem> {
    let MessagePath { token, chat, message } = path;
    let stored = async |_| messages::find_by_token(&mut *state.connection().await?, token, chat, message).await.map_err(of_store);
    match state.cached.read(Some(cached::message(token, chat, message)), stored).await? {
        Lookup::Found(message) => answer_read(&conditions, message),
        Lookup::NoApplication => Err(Problem::application_not_found()),
        Lookup::Missing(application) => match wait(&state, token, application, chat, message).await? {
            Waited::Found(message) => answer_read(&conditions, message),
            Waited::NeverGiven => Err(never_given(&state, token, application, chat).await?),
            Waited::Gap => Err(absent(&state, application, chat).await?),
            Waited::Pending => Ok(pending(message.get())),
        },
    }
}

/// `GET …/messages`
pub(crate) async fn list(state: Data<State>, path: ChatPath, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let ChatPath { token, chat } = path;
    let page = Parameters::of(&request)?.page()?;
    let family = Family::of(&request);
    let stored = async |to_be_kept| {
        // How many there are in all is shown in one family alone; what is kept serves both.
        let found = if to_be_kept || family == Family::V1 {
            chats::locate(&state, token, chat).await?.map(|place| (place.application_id, Some(place.messages_count)))
        } else {
            chats::application_of(&state, token, chat).await?.map(|application| (application, None))
        };
        let Some((application, total)) = found else { return Ok(None) };
        let read = async |page| messages::list(&mut *state.connection().await?, application, chat, page).await.map_err(of_store);
        let stored_up_to = async |wanted| stored_up_to(&state, application, chat, wanted).await;
        let found = unbroken(&state.settings, &state.sightings, page, read, stored_up_to).await?;
        Ok(Some(Listed { page: found, total }))
    };
    let listed = state.cached.read(cached::messages(token, chat, page), stored).await?;
    let Some(Listed { page: found, total }) = listed else { return Ok(pending(chat.get())) };
    let neighbours = Neighbours::of_numbered(&found, page);
    let entries: Vec<MessageBody> = found.entries.into_iter().map(MessageBody::from).collect();
    Ok(paging::answer(&request, "messages", &entries, page.limit(), &neighbours, total))
}

/// Up to when all that was published of the chat's messages is stored, if that can be told. They pass one queue, and are stored
/// in its order: where the newest one is younger than what is `wanted`, it tells enough.
async fn stored_up_to(state: &State, application: ApplicationId, chat: ChatNumber, wanted: Timestamp) -> Option<Timestamp> {
    let last = PageRequest::Before { before: u64::MAX, limit: PageLimit::ONE };
    let newest = messages::list(&mut *state.connection().await.ok()?, application, chat, last).await.ok()?;
    let newest = newest.entries.first().map(|message| message.created_at).filter(|newest| *newest >= wanted);
    match newest {
        Some(newest) => Some(newest),
        None => state.numbering.stored_up_to(application, chat, wanted, Instant::now() + FENCE_WITHIN).await,
    }
}

/// `PUT|PATCH …/messages/{message}`: changes the text.
pub(crate) async fn update(
    state: Data<State>,
    path: MessagePath,
    request: HttpRequest,
    conditions: Conditions,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let MessagePath { token, chat, message } = path;
    let text = new_text(&request, &body)?;
    let application = state.application(token).await?;
    let apply = async || match &text {
        Some(text) => edit(&state, path, application, text, &conditions).await,
        None => {
            let found = messages::find(&mut *state.connection().await?, application, chat, message).await.map_err(of_store)?;
            Ok(unchanged(&conditions, found))
        }
    };
    let mut updated = apply().await?;
    if updated == Updated::Missing {
        match wait(&state, token, application, chat, message).await? {
            Waited::Found(_) => updated = apply().await?,
            Waited::NeverGiven => return Err(never_given(&state, token, application, chat).await?),
            Waited::Gap => return Err(absent(&state, application, chat).await?),
            Waited::Pending => return Err(Problem::not_yet_stored()),
        }
    }
    match updated {
        Updated::Done(message) => Ok(show(message)),
        Updated::Refused => Err(Problem::precondition_failed()),
        Updated::Missing => Err(Problem::message_not_found()),
    }
}

/// A text that was not named is left as it is by PATCH, and is asked for by PUT.
fn new_text(request: &HttpRequest, body: &Body) -> Result<Option<Text>, Problem> {
    let mut fields = body.object(Some("message"))?;
    let named = fields.contains_key(Field::Body.as_str());
    match text_field(&mut fields, Field::Body)? {
        Some(text) => Ok(Some(Text::new(text)?)),
        None if named || request.method() == Method::PUT => Err(Problem::required(Field::Body)),
        None => Ok(None),
    }
}

async fn edit(
    state: &State,
    path: MessagePath,
    application: ApplicationId,
    text: &Text,
    conditions: &Conditions,
) -> Result<Updated<Message>, Problem> {
    let MessagePath { token, chat, message } = path;
    let may = |version| may_replace(conditions, version);
    let change = async || {
        let mut conn = state.connection().await?;
        messages::edit(&mut conn, application, chat, message, text, Timestamp::now(), may).await.map_err(of_store)
    };
    state.cached.update(cached::showing_message(token, chat, message), change).await
}

async fn wait(
    state: &State,
    token: ApplicationToken,
    application: ApplicationId,
    chat: ChatNumber,
    message: MessageNumber,
) -> Result<Waited<Message>, Problem> {
    let wanted = Wanted { token, application, chat, message: Some(message) };
    wait_for(&state.numbering, wanted, state.settings.read_wait(), async || {
        messages::find(&mut *state.connection().await?, application, chat, message).await.map_err(of_store)
    })
    .await
}

/// The message's number was never given; its chat may be there all the same, or be about to come.
async fn never_given(
    state: &State,
    token: ApplicationToken,
    application: ApplicationId,
    chat: ChatNumber,
) -> Result<Problem, Problem> {
    let deadline = Instant::now() + state.settings.read_wait();
    match state.numbering.may_come(token, application, chat, None, deadline).await.map_err(of_numbering)? {
        true => Ok(Problem::message_not_found()),
        false => absent(state, application, chat).await,
    }
}

/// Which of the two is not there: the message, or the whole chat.
async fn absent(state: &State, application: ApplicationId, chat: ChatNumber) -> Result<Problem, Problem> {
    let stored = chat_rows::find(&mut *state.connection().await?, application, chat).await.map_err(of_store)?;
    Ok(if stored.is_some() { Problem::message_not_found() } else { Problem::chat_not_found() })
}
