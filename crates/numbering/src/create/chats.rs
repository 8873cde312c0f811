//! The creation of a chat.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{ApplicationToken, ChatName, ChatNumber, EventId, IdempotencyKey, Timestamp};
use events::{ChatCreated, Item};
use gcra::Charge;
use sequencer::{Adopted, ChatIssue};
use tokio::time::{timeout, timeout_at};
use trace::Parent;

use super::{
    ATTEMPTS, Accepted, Numbered, Step,
    traced::{Publishing, taking_number},
};
use crate::{
    Dependency, Error, Numbering,
    once::{Place, Request},
    servers::InEpoch,
};

/// How long a confirmed create waits, before it is answered, for Redis to set the new chat's counter.
const SEEDING_TIME: Duration = Duration::from_millis(100);

/// A chat to create.
#[derive(Debug, Clone)]
pub struct NewChat {
    /// The application's token.
    pub token: ApplicationToken,
    /// The chat's name, if it has one.
    pub name: Option<ChatName>,
    /// The client's name for this create, if it gave one.
    pub key: Option<IdempotencyKey>,
    /// What the request is charged with before it gets a number, if its client is limited and it was not charged yet.
    pub charge: Option<Charge>,
    /// The request that asks for it.
    pub request_id: String,
    /// What it is done for.
    pub trace: Parent,
}

impl Numbering {
    /// Creates a chat and returns its number once the broker has confirmed it.
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::UnknownChat`], at the latest at `deadline`.
    pub async fn create_chat(&self, new: &NewChat, deadline: Instant) -> Result<Accepted<ChatNumber>, Error> {
        let created = timeout_at(deadline.into(), self.create_chat_in_time(new, deadline)).await;
        let (accepted, published_in) = created.unwrap_or(Err(Error::TimedOut))?;
        if let Some(adopted) = published_in {
            self.seed_new_chat(&adopted, new.token, accepted.number).await;
        }
        Ok(accepted)
    }

    /// The chat is certain now, and nobody can have been given a message number in it before: its first message need not be the
    /// one that has its counter set. Whatever comes of that, the create is confirmed, and is answered so, and soon.
    async fn seed_new_chat(&self, adopted: &Arc<Adopted>, token: ApplicationToken, chat: ChatNumber) {
        match timeout(SEEDING_TIME, self.sequencer.seed_chat(adopted, token, chat, 0)).await {
            Ok(seeded) => self.stale_is_over(adopted, seeded).unwrap_or_else(|error| {
                tracing::debug!(%error, "new chat left to be seeded by its first message");
            }),
            Err(_) => tracing::debug!("new chat not seeded in time, and left to be by its first message"),
        }
    }

    /// The chat, and the epoch in which it was published, if that was done here and for the first time.
    async fn create_chat_in_time(
        &self,
        new: &NewChat,
        deadline: Instant,
    ) -> Result<(Accepted<ChatNumber>, Option<Arc<Adopted>>), Error> {
        let mut request = Request::for_chat(new.key.as_ref(), new.name.as_ref());
        for _ in 0..ATTEMPTS {
            let adopted = self.ready(1).await?;
            let (event_id, created_at) = (EventId::generate(), Timestamp::now());
            let once = request.as_ref().map(|request| request.attempt(event_id, created_at));
            let since = Instant::now();
            let issue = self.sequencer.issue_chat_once(&adopted, new.token, once.as_ref(), new.charge.as_ref());
            let numbered = match taking_number(&new.trace, issue).await {
                Ok(ChatIssue::Issued { application_id, number }) => {
                    Numbered { application_id, number, event_id, created_at, since, again: false }
                }
                Ok(ChatIssue::Known(known)) => {
                    match self.recall(&adopted, new.token, request.as_mut(), known, Place::Chat, deadline).await? {
                        Step::Answer(accepted) => return Ok((accepted, None)),
                        Step::Publish(numbered) => numbered,
                        Step::BeginAnew => continue,
                    }
                }
                Ok(ChatIssue::Limited(verdict)) => return Err(Error::Limited(verdict)),
                Ok(ChatIssue::NotSeeded) => {
                    self.seed_application(&adopted, new.token, deadline).await?;
                    continue;
                }
                Err(error) => {
                    self.stale_is_over::<()>(&adopted, Err(error))?;
                    continue;
                }
            };
            let Numbered { application_id, number, event_id, created_at, since, again } = numbered;
            let (name, request_id) = (new.name.clone(), new.request_id.clone());
            let publishing = Publishing::begin(&new.trace);
            let trace = publishing.text();
            let item = Item::Chat(ChatCreated { event_id, application_id, number, name, created_at, request_id, trace });
            let published = publishing.watch(self.publish(&adopted, application_id, number, item.into(), since, again)).await?;
            if published == InEpoch::Over {
                continue;
            }
            self.mark(&adopted, new.token, request.map(|request| request.key()), event_id);
            return Ok((Accepted { number, replayed: again }, (!again).then_some(adopted)));
        }
        Err(Error::Unavailable(Dependency::Redis))
    }
}
