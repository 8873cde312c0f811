//! Takes a number, publishes the create, and answers after the broker's confirm.
//!
//! A number that is taken and not published is a gap: it is counted, its client gets an error, and no one else gets the number.
//! Idempotency keys, when they come, belong into the issuing scripts of the sequencer and are told apart here.

use std::{sync::Arc, time::Instant};

use domain::{ApplicationId, ApplicationToken, ChatName, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
use events::{ChatCreated, Item, MessageCreated};
use sequencer::{Adopted, ChatIssue, MessageIssue};
use tokio::time::timeout_at;

use crate::{Dependency, Error, Numbering, SETTLING_TIME};

/// How often a create begins anew, because a counter was missing or the epoch changed, before it gives up.
const ATTEMPTS: usize = 8;

/// A chat to create.
#[derive(Debug, Clone)]
pub struct NewChat {
    /// The application's token.
    pub token: ApplicationToken,
    /// The chat's name, if it has one.
    pub name: Option<ChatName>,
    /// The request that asks for it.
    pub request_id: String,
}

/// A message to create.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// The application's token.
    pub token: ApplicationToken,
    /// The chat.
    pub chat: ChatNumber,
    /// The text.
    pub body: MessageBody,
    /// The request that asks for it.
    pub request_id: String,
}

impl Numbering {
    /// Creates a chat and returns its number once the broker has confirmed it.
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::UnknownChat`], at the latest at `deadline`.
    pub async fn create_chat(&self, new: &NewChat, deadline: Instant) -> Result<ChatNumber, Error> {
        timeout_at(deadline.into(), self.create_chat_in_time(new, deadline)).await.unwrap_or(Err(Error::TimedOut))
    }

    /// Creates a message and returns its number once the broker has confirmed it.
    ///
    /// # Errors
    /// Any [`Error`], at the latest at `deadline`.
    pub async fn create_message(&self, new: &NewMessage, deadline: Instant) -> Result<MessageNumber, Error> {
        timeout_at(deadline.into(), self.create_message_in_time(new, deadline)).await.unwrap_or(Err(Error::TimedOut))
    }

    async fn create_chat_in_time(&self, new: &NewChat, deadline: Instant) -> Result<ChatNumber, Error> {
        for _ in 0..ATTEMPTS {
            let adopted = self.ready().await?;
            let (application_id, number) = match self.sequencer.issue_chat(&adopted, new.token).await {
                Ok(ChatIssue::Issued { application_id, number }) => (application_id, number),
                Ok(ChatIssue::NotSeeded) => {
                    self.seed_application(&adopted, new.token, deadline).await?;
                    continue;
                }
                Err(error) => {
                    self.settle::<()>(&adopted, Err(error))?;
                    continue;
                }
            };
            let item = Item::Chat(ChatCreated {
                event_id: EventId::generate(),
                application_id,
                number,
                name: new.name.clone(),
                created_at: Timestamp::now(),
                request_id: new.request_id.clone(),
            });
            if self.publish(&adopted, application_id, number, item).await? {
                // The chat is certain now, and nobody can have been given a message number in it before.
                self.settle(&adopted, self.sequencer.seed_chat(&adopted, new.token, number, 0).await).unwrap_or_else(|error| {
                    tracing::debug!(%error, "new chat left to be seeded by its first message");
                });
                return Ok(number);
            }
        }
        Err(Error::Unavailable(Dependency::Redis))
    }

    async fn create_message_in_time(&self, new: &NewMessage, deadline: Instant) -> Result<MessageNumber, Error> {
        for _ in 0..ATTEMPTS {
            let adopted = self.ready().await?;
            let (application_id, number) = match self.sequencer.issue_message(&adopted, new.token, new.chat).await {
                Ok(MessageIssue::Issued { application_id, number }) => (application_id, number),
                Ok(MessageIssue::NoSuchChat) => return Err(Error::UnknownChat),
                Ok(MessageIssue::ApplicationNotSeeded) => {
                    self.seed_application(&adopted, new.token, deadline).await?;
                    continue;
                }
                Ok(MessageIssue::ChatNotSeeded { application_id }) => {
                    self.seed_chat(&adopted, new.token, application_id, new.chat, deadline).await?;
                    continue;
                }
                Err(error) => {
                    self.settle::<()>(&adopted, Err(error))?;
                    continue;
                }
            };
            let item = Item::Message(MessageCreated {
                event_id: EventId::generate(),
                application_id,
                chat: new.chat,
                number,
                body: new.body.clone(),
                created_at: Timestamp::now(),
                request_id: new.request_id.clone(),
            });
            if self.publish(&adopted, application_id, new.chat, item).await? {
                return Ok(number);
            }
        }
        Err(Error::Unavailable(Dependency::Redis))
    }

    /// The epoch to work in, if there is one and the broker takes creates: a number that surely cannot be published is not taken.
    async fn ready(&self) -> Result<Arc<Adopted>, Error> {
        self.publisher.accepting().map_err(|error| refused(&error))?;
        self.keeper.adopted().await
    }

    /// Publishes and waits for the confirm. `false`: the broker has fenced the epoch off, the number is burnt, begin anew.
    async fn publish(
        &self,
        adopted: &Arc<Adopted>,
        application: ApplicationId,
        chat: ChatNumber,
        item: Item,
    ) -> Result<bool, Error> {
        let partition = self.partitions.partition_of(application, chat);
        let send_by = Instant::now() + SETTLING_TIME;
        match self.publisher.publish(adopted.record().epoch, partition, item, send_by).await {
            Ok(()) => Ok(true),
            Err(error) => {
                metrics::counter!("chat_number_gaps_total", "cause" => error.as_str()).increment(1);
                if !matches!(error, broker::PublishError::Returned) {
                    return Err(refused(&error));
                }
                self.keeper.returned(adopted);
                Ok(false)
            }
        }
    }
}

fn refused(error: &broker::PublishError) -> Error {
    match error {
        broker::PublishError::QueueFull => Error::Overloaded,
        broker::PublishError::Unconfirmed => Error::Unconfirmed,
        _ => Error::Unavailable(Dependency::Rabbitmq),
    }
}
