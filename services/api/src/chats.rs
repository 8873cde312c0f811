//! `…/chats`: a chat, its name, and the list of an application's chats.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use domain::{ApplicationId, ApplicationToken, Chat, ChatName, ChatNumber, Field, Invalid, Timestamp};
use problems::of_store;
use serde_json::{Map, Value};
use service::{
    http::{Body, Conditions},
    json::text_field,
    problem::Problem,
};
use store::{
    Lookup, Updated, applications,
    chats::{self, Place},
};

use crate::{
    cached,
    conditional::{answer_read, may_replace, show, unchanged},
    kept::Listed,
    paging::{self, Neighbours},
    parameters::Parameters,
    path::{ApplicationPath, ChatPath},
    representation::ChatBody,
    state::State,
    unbroken::unbroken,
    waiting::{FENCE_WITHIN, Waited, Wanted, pending, wait_for},
};

/// `GET …/chats/{number}`
pub(crate) async fn read(state: Data<State>, path: ChatPath, conditions: Conditions) -> Result<HttpResponse, Problem> {
    let ChatPath { token, chat } = path;
    let stored = async |_| chats::find_by_token(&mut *state.connection().await?, token, chat).await.map_err(of_store);
    match state.cached.read(Some(cached::chat(token, chat)), stored).await? {
        Lookup::Found(chat) => answer_read(&conditions, chat),
        Lookup::NoApplication => Err(Problem::application_not_found()),
        Lookup::Missing(application) => match wait(&state, token, application, chat).await? {
            Waited::Found(chat) => answer_read(&conditions, chat),
            Waited::NeverGiven | Waited::Gap => Err(Problem::chat_not_found()),
            Waited::Pending => Ok(pending(chat.get())),
        },
    }
}

/// `GET …/chats`
pub(crate) async fn list(state: Data<State>, path: ApplicationPath, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let page = Parameters::of(&request)?.page()?;
    let stored = async |_| {
        let application = applications::find(&mut *state.connection().await?, path.token).await.map_err(of_store)?;
        let application = application.ok_or_else(Problem::application_not_found)?;
        let read = async |page| chats::list(&mut *state.connection().await?, application.id, page).await.map_err(of_store);
        // An application's chats are spread over all queues.
        let stored_up_to = async |wanted| state.numbering.all_stored_up_to(wanted, Instant::now() + FENCE_WITHIN).await;
        let found = unbroken(&state.settings, &state.sightings, page, read, stored_up_to).await?;
        Ok(Listed { page: found, total: Some(application.chats_count) })
    };
    let Listed { page: found, total } = state.cached.read(cached::chats(path.token, page), stored).await?;
    let neighbours = Neighbours::of_numbered(&found, page);
    let entries: Vec<ChatBody> = found.entries.into_iter().map(ChatBody::from).collect();
    Ok(paging::answer(&request, "chats", &entries, page.limit(), &neighbours, total))
}

/// `PUT|PATCH …/chats/{number}`: changes the name, or with `null` removes it.
pub(crate) async fn update(
    state: Data<State>,
    path: ChatPath,
    conditions: Conditions,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let ChatPath { token, chat } = path;
    let change = NameChange::read(&mut body.object(Some("chat"))?)?;
    let application = state.application(token).await?;
    let mut updated = change.apply(&state, path, application, &conditions).await?;
    if updated == Updated::Missing {
        match wait(&state, token, application, chat).await? {
            Waited::Found(_) => updated = change.apply(&state, path, application, &conditions).await?,
            Waited::NeverGiven | Waited::Gap => {}
            Waited::Pending => return Err(Problem::not_yet_stored()),
        }
    }
    match updated {
        Updated::Done(chat) => Ok(show(chat)),
        Updated::Refused => Err(Problem::precondition_failed()),
        Updated::Missing => Err(Problem::chat_not_found()),
    }
}

/// The application in which the messages of a chat are; `None` while the chat itself may still come.
pub(crate) async fn application_of(
    state: &State,
    token: ApplicationToken,
    chat: ChatNumber,
) -> Result<Option<ApplicationId>, Problem> {
    match state.rooms.application_of(token, chat) {
        Some(application) => Ok(Some(application)),
        None => Ok(locate(state, token, chat).await?.map(|place| place.application_id)),
    }
}

/// As [`application_of`], and how many messages the chat has, as of the last count: always asked for.
pub(crate) async fn locate(state: &State, token: ApplicationToken, chat: ChatNumber) -> Result<Option<Place>, Problem> {
    let found = chats::locate(&mut *state.connection().await?, token, chat).await.map_err(of_store)?;
    let place = match found {
        Lookup::Found(place) => place,
        Lookup::NoApplication => return Err(Problem::application_not_found()),
        Lookup::Missing(application_id) => match wait(state, token, application_id, chat).await? {
            Waited::Found(Chat { messages_count, .. }) => Place { application_id, messages_count },
            Waited::NeverGiven | Waited::Gap => return Err(Problem::chat_not_found()),
            Waited::Pending => return Ok(None),
        },
    };
    state.rooms.remember(token, chat, place.application_id);
    Ok(Some(place))
}

/// Waits for a chat that is not stored at first sight.
pub(crate) async fn wait(
    state: &State,
    token: ApplicationToken,
    application: ApplicationId,
    chat: ChatNumber,
) -> Result<Waited<Chat>, Problem> {
    let wanted = Wanted { token, application, chat, message: None };
    wait_for(&state.numbering, wanted, state.settings.read_wait(), async || {
        chats::find(&mut *state.connection().await?, application, chat).await.map_err(of_store)
    })
    .await
}

/// What an update says of the name.
enum NameChange {
    Keep,
    To(Option<ChatName>),
}

impl NameChange {
    fn read(fields: &mut Map<String, Value>) -> Result<Self, Invalid> {
        if !fields.contains_key(Field::Name.as_str()) {
            return Ok(Self::Keep);
        }
        Ok(Self::To(text_field(fields, Field::Name)?.map(ChatName::new).transpose()?))
    }

    async fn apply(
        &self,
        state: &State,
        path: ChatPath,
        application: ApplicationId,
        conditions: &Conditions,
    ) -> Result<Updated<Chat>, Problem> {
        let ChatPath { token, chat } = path;
        let may = |version| may_replace(conditions, version);
        match self {
            Self::Keep => {
                let found = chats::find(&mut *state.connection().await?, application, chat).await.map_err(of_store)?;
                Ok(unchanged(conditions, found))
            }
            Self::To(name) => {
                let change = async || {
                    let mut conn = state.connection().await?;
                    chats::rename(&mut conn, application, chat, name.as_ref(), Timestamp::now(), may).await.map_err(of_store)
                };
                state.cached.update(cached::showing_chat(token, chat), change).await
            }
        }
    }
}
