//! Tells a reader whether a number that is not stored was ever given, and when what MySQL says of it is final.
//!
//! Redis gives numbers, but there may be two of it: after a failover the old primary goes on answering whoever is still connected
//! with it. So a counter's word that a number was *not* given is believed only while its epoch is the highest.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{ApplicationId, ApplicationToken, ChatNumber, MessageNumber};
use events::Partition;
use sequencer::Adopted;
use store::epochs;
use tokio::time::timeout_at;

use crate::{
    Dependency, Error, Numbering,
    servers::{InEpoch, mysql},
};

/// A create is published within this time after Redis was asked for its number, or its client gets an error. So a fence sent this
/// long after a number was first seen as given stands behind its create. (A create that got an error and had an idempotency key
/// may be published when its client sends it again. Until then it is as if it had never been made.)
pub const SETTLING_TIME: Duration = Duration::from_secs(1);

impl Numbering {
    /// Whether the chat, or the message in it, was given its number, by what Redis knows now; asks until `deadline` at most.
    /// `false` only when it surely was not.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when Redis cannot be asked, or MySQL whether it is the right one: whichever did not answer in time.
    pub async fn may_come(
        &self,
        token: ApplicationToken,
        application: ApplicationId,
        chat: ChatNumber,
        message: Option<MessageNumber>,
        deadline: Instant,
    ) -> Result<bool, Error> {
        let asked = timeout_at(deadline.into(), self.denied_by(token, application, chat, message)).await;
        let Some(adopted) = asked.unwrap_or(Err(Error::Unavailable(Dependency::Redis)))? else { return Ok(true) };
        let is_highest = timeout_at(deadline.into(), self.is_highest(&adopted)).await;
        Ok(!is_highest.unwrap_or(Err(Error::Unavailable(Dependency::Mysql)))?)
    }

    /// The epoch whose counters say that the number was not given, if they do.
    async fn denied_by(
        &self,
        token: ApplicationToken,
        application: ApplicationId,
        chat: ChatNumber,
        message: Option<MessageNumber>,
    ) -> Result<Option<Arc<Adopted>>, Error> {
        let adopted = self.keeper.adopted().await?;
        let last_chat = match self.sequencer.last_chat(&adopted, token).await {
            Ok(last) => last,
            Err(error) => {
                self.stale_is_over::<()>(&adopted, Err(error))?;
                None
            }
        };
        if last_chat.is_some_and(|(id, last)| id == application && chat.get() > last) {
            return Ok(Some(adopted));
        }
        let Some(message) = message else { return Ok(None) };
        match self.sequencer.last_message(&adopted, token, chat).await {
            Ok(Some(last)) if message.get() > last => Ok(Some(adopted)),
            Ok(_) => Ok(None),
            Err(error) => self.stale_is_over::<()>(&adopted, Err(error)).map(|()| None),
        }
    }

    /// Whether no higher epoch was begun until now. MySQL gives an epoch its number before anything is numbered in it, so what
    /// Redis said *before* this was asked holds for all numbers.
    pub(crate) async fn is_highest(&self, adopted: &Adopted) -> Result<bool, Error> {
        let highest = self.highest.asked(async || epochs::highest(&mut *self.connection().await?).await.map_err(mysql));
        Ok(highest.await? == Some(adopted.record().epoch))
    }

    /// Waits behind a fence, until `deadline` at most, for what may still come of this chat. `true`: all that stood in its queue
    /// when this was asked is committed now, and what MySQL says next is final. `false`: it may still come.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when Redis or the broker cannot be asked.
    pub async fn settled(&self, application: ApplicationId, chat: ChatNumber, deadline: Instant) -> Result<bool, Error> {
        self.settled_in([self.partitions.partition_of(application, chat)], deadline).await
    }

    /// As [`Numbering::settled`], for what goes to these partitions.
    pub(crate) async fn settled_in(
        &self,
        partitions: impl IntoIterator<Item = Partition>,
        deadline: Instant,
    ) -> Result<bool, Error> {
        let fenced = async {
            let adopted = self.keeper.adopted().await?;
            Ok(self.fence(&adopted, partitions, deadline).await? == InEpoch::Done(()))
        };
        match timeout_at(deadline.into(), fenced).await {
            Ok(Err(Error::Unavailable(Dependency::Consumer))) | Err(_) => Ok(false),
            Ok(outcome) => outcome,
        }
    }
}
