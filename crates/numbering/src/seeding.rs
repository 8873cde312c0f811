//! Sets a missing counter to what is stored, behind a fence.
//!
//! A counter is missing after its epoch opened, or because Redis lost it. Either way numbers may have been given whose creates
//! still stand in the queue: the fence goes in behind them, and its answer says that they are committed. Only then is the highest
//! number in MySQL the highest that was given. The counter is set if it is *still* missing in the *same* epoch.

use std::{sync::Arc, time::Instant};

use domain::{ApplicationId, ApplicationToken, ChatNumber};
use sequencer::Adopted;
use store::{applications, chats, messages};

use crate::{
    Error, Numbering,
    flights::{Counter, Pilot},
    meters,
    servers::{InEpoch, mysql},
};

/// Without its fence a counter is set too low: a feature that only the history checker's own test turns on.
const FENCED: bool = !cfg!(feature = "broken-fence");

impl Numbering {
    /// Seeds the counter of an application's chats, unless that is under way: then it waits for it. At the end the counter is
    /// set, or the epoch is over: either way the caller begins anew.
    pub(crate) async fn seed_application(
        &self,
        adopted: &Arc<Adopted>,
        token: ApplicationToken,
        deadline: Instant,
    ) -> Result<(), Error> {
        let counter = Counter { epoch: adopted.record().epoch, token, chat: None };
        let seed = |pilot| self.clone().set_chats(adopted.clone(), token, pilot);
        self.flights.join(counter, deadline, seed).await
    }

    /// As [`Numbering::seed_application`], the counter of a chat's messages.
    pub(crate) async fn seed_chat(
        &self,
        adopted: &Arc<Adopted>,
        token: ApplicationToken,
        application: ApplicationId,
        chat: ChatNumber,
        deadline: Instant,
    ) -> Result<(), Error> {
        let counter = Counter { epoch: adopted.record().epoch, token, chat: Some(chat) };
        let seed = |pilot| self.clone().set_messages(adopted.clone(), token, application, chat, pilot);
        self.flights.join(counter, deadline, seed).await
    }

    /// An application's chats are spread over all partitions, so each gets a fence.
    async fn set_chats(self, adopted: Arc<Adopted>, token: ApplicationToken, pilot: Pilot) -> Result<(), Error> {
        // The look-up comes first: an unknown token costs one indexed read, and no fence.
        let found = applications::id_of(&mut *self.connection().await?, token).await.map_err(mysql)?;
        let Some(id) = found else { return Err(Error::UnknownApplication) };
        if FENCED && self.fence(&adopted, self.partitions.all(), pilot.until).await? == InEpoch::Over {
            return Ok(());
        }
        pilot.is_behind_its_fence();
        let last = chats::highest(&mut *self.connection().await?, id).await.map_err(mysql)?;
        meters::seeds("chats", 1);
        self.stale_is_over(&adopted, self.sequencer.seed_application(&adopted, token, id, last).await)
    }

    async fn set_messages(
        self,
        adopted: Arc<Adopted>,
        token: ApplicationToken,
        application: ApplicationId,
        chat: ChatNumber,
        pilot: Pilot,
    ) -> Result<(), Error> {
        let partition = self.partitions.partition_of(application, chat);
        if FENCED && self.fence(&adopted, [partition], pilot.until).await? == InEpoch::Over {
            return Ok(());
        }
        pilot.is_behind_its_fence();
        let mut conn = self.connection().await?;
        // Whether it is there, and nothing else of it: a name that somebody has made unreadable keeps no message out.
        if chats::existing(&mut conn, &[(application, chat)]).await.map_err(mysql)?.is_empty() {
            return Err(Error::UnknownChat);
        }
        let last = messages::highest(&mut conn, application, chat).await.map_err(mysql)?;
        drop(conn);
        meters::seeds("messages", 1);
        self.stale_is_over(&adopted, self.sequencer.seed_chat(&adopted, token, chat, last).await)
    }
}
