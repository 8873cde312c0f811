//! The creation of a message, and of several at once.

use std::{slice, time::Instant};

use broker::Items;
use domain::{ApplicationToken, ChatNumber, EventId, IdempotencyKey, MessageBody, MessageNumber, Timestamp};
use events::{Item, MessageCreated};
use gcra::Charge;
use sequencer::MessageIssue;
use tokio::time::timeout_at;
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

/// The most messages that are created together: one message in the broker, and half a transaction.
pub const MAX_BATCH: usize = 500;

/// A message to create.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// The application's token.
    pub token: ApplicationToken,
    /// The chat.
    pub chat: ChatNumber,
    /// The text.
    pub body: MessageBody,
    /// The client's name for this create, if it gave one.
    pub key: Option<IdempotencyKey>,
    /// What the request is charged with before it gets a number, if its client is limited and it was not charged yet.
    pub charge: Option<Charge>,
    /// The request that asks for it.
    pub request_id: String,
    /// What it is done for.
    pub trace: Parent,
}

/// Messages to create together: all of them are accepted, under numbers that follow one another, or none is.
#[derive(Debug, Clone)]
pub struct NewMessages {
    /// The application's token.
    pub token: ApplicationToken,
    /// The chat.
    pub chat: ChatNumber,
    /// The texts, in their order: at least one, at most [`MAX_BATCH`].
    pub bodies: Vec<MessageBody>,
    /// The client's name for this create, if it gave one.
    pub key: Option<IdempotencyKey>,
    /// What the request is charged with before it gets a number, if its client is limited and it was not charged yet.
    pub charge: Option<Charge>,
    /// The request that asks for them.
    pub request_id: String,
    /// What it is done for.
    pub trace: Parent,
}

/// Either of them.
struct Texts<'a> {
    token: ApplicationToken,
    chat: ChatNumber,
    bodies: &'a [MessageBody],
    request: Option<Request>,
    charge: Option<&'a Charge>,
    request_id: &'a str,
    trace: &'a Parent,
}

impl Numbering {
    /// Creates a message and returns its number once the broker has confirmed it.
    ///
    /// # Errors
    /// Any [`Error`], at the latest at `deadline`.
    pub async fn create_message(&self, new: &NewMessage, deadline: Instant) -> Result<Accepted<MessageNumber>, Error> {
        let NewMessage { token, chat, body, key, charge, request_id, trace } = new;
        let bodies = slice::from_ref(body);
        let request = Request::for_messages(key.as_ref(), "message", *chat, bodies);
        let texts = Texts { token: *token, chat: *chat, bodies, request, charge: charge.as_ref(), request_id, trace };
        self.create_texts(texts, deadline).await
    }

    /// Creates messages and returns the first one's number once the broker has confirmed all of them.
    ///
    /// # Errors
    /// Any [`Error`], at the latest at `deadline`.
    pub async fn create_messages(&self, new: &NewMessages, deadline: Instant) -> Result<Accepted<MessageNumber>, Error> {
        let NewMessages { token, chat, bodies, key, charge, request_id, trace } = new;
        let request = Request::for_messages(key.as_ref(), "batch", *chat, bodies);
        let texts = Texts { token: *token, chat: *chat, bodies, request, charge: charge.as_ref(), request_id, trace };
        self.create_texts(texts, deadline).await
    }

    async fn create_texts(&self, texts: Texts<'_>, deadline: Instant) -> Result<Accepted<MessageNumber>, Error> {
        timeout_at(deadline.into(), self.create_texts_in_time(texts, deadline)).await.unwrap_or(Err(Error::TimedOut))
    }

    async fn create_texts_in_time(&self, mut texts: Texts<'_>, deadline: Instant) -> Result<Accepted<MessageNumber>, Error> {
        let (token, chat, count) = (texts.token, texts.chat, texts.count());
        for _ in 0..ATTEMPTS {
            let adopted = self.ready(count.into()).await?;
            let (event_id, created_at) = (EventId::generate(), Timestamp::now());
            let once = texts.request.as_ref().map(|request| request.attempt(event_id, created_at));
            let issue = async {
                match (&once, texts.charge) {
                    (None, None) => self.coalescer.issue_messages(&adopted, token, chat, count).await,
                    (once, charge) => {
                        let (began, count) = (Instant::now(), count.into());
                        let issue = self.sequencer.issue_messages_once(&adopted, token, chat, count, once.as_ref(), charge).await;
                        issue.map(|issue| (issue, began))
                    }
                }
            };
            let (issue, since) = match taking_number(texts.trace, issue).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.stale_is_over::<()>(&adopted, Err(error))?;
                    continue;
                }
            };
            let numbered = match issue {
                MessageIssue::Issued { application_id, number } => {
                    Numbered { application_id, number, event_id, created_at, since, again: false }
                }
                MessageIssue::Known(known) => {
                    let place = |number| Place::Message(chat, number);
                    match self.recall(&adopted, token, texts.request.as_mut(), known, place, deadline).await? {
                        Step::Answer(accepted) => return Ok(accepted),
                        Step::Publish(numbered) => numbered,
                        Step::BeginAnew => continue,
                    }
                }
                MessageIssue::Limited(verdict) => return Err(Error::Limited(verdict)),
                MessageIssue::NoSuchChat => match self.is_given_nowhere(&adopted, deadline).await? {
                    InEpoch::Done(()) => return Err(Error::UnknownChat),
                    InEpoch::Over => continue,
                },
                MessageIssue::ApplicationNotSeeded => {
                    self.seed_application(&adopted, token, deadline).await?;
                    continue;
                }
                MessageIssue::ChatNotSeeded { application_id } => {
                    self.seed_chat(&adopted, token, application_id, chat, deadline).await?;
                    continue;
                }
            };
            let publishing = Publishing::begin(texts.trace);
            let items = texts.items(&numbered, publishing.text().as_deref());
            let Numbered { application_id, since, again, .. } = numbered;
            let published = publishing.watch(self.publish(&adopted, application_id, chat, items, since, again)).await?;
            if published == InEpoch::Over {
                continue;
            }
            self.mark(&adopted, token, texts.request.map(|request| request.key()), numbered.event_id);
            return Ok(Accepted { number: numbered.number, replayed: again });
        }
        Err(Error::Unavailable(Dependency::Redis))
    }
}

impl Texts<'_> {
    /// At most [`MAX_BATCH`].
    fn count(&self) -> u16 {
        u16::try_from(self.bodies.len()).unwrap_or(u16::MAX)
    }

    /// The events; those of a batch have names that follow from the first one's, so that publishing again is the same events.
    fn items(&self, numbered: &Numbered<MessageNumber>, trace: Option<&str>) -> Items {
        let item = |index: u16, body: &MessageBody, number| {
            Item::Message(MessageCreated {
                event_id: numbered.event_id.nth(index),
                application_id: numbered.application_id,
                chat: self.chat,
                number,
                body: body.clone(),
                created_at: numbered.created_at,
                request_id: self.request_id.to_owned(),
                trace: trace.map(str::to_owned),
            })
        };
        match self.bodies {
            [body] => Items::One(item(0, body, numbered.number)),
            bodies => {
                let indexed = (0..).zip(bodies).map(|(index, body)| item(index, body, numbered.number.plus(index)));
                Items::Several(indexed.collect())
            }
        }
    }
}
