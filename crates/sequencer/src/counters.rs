//! Sets counters that are missing, raises those that a straggler has overtaken, and reads them. None of this gives a number.

use deadpool_redis::redis::Value;
use domain::{ApplicationId, ApplicationToken, ChatNumber, MessageNumber};

use crate::{
    Adopted, Error, Sequencer,
    reply::{application_id, number, split, unexpected},
};

/// What came of seeding a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// It was missing, and is set now.
    Seeded,
    /// It was there, and was left as it was.
    Present,
}

/// What came of raising a counter to a number that an older epoch has given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raise {
    /// It was below the number, and stands at it now: this epoch has not given the number, and will not.
    Raised,
    /// It was at the number or above: this epoch may have given the number to another.
    NotBelow,
    /// There is no counter: this epoch has given no number at all, and will not give this one. It is noted as the least value
    /// that seeding sets, since whoever seeds may have read the last stored number already.
    Missing,
}

impl Sequencer {
    /// Makes an application known in the adopted epoch, `last_chat` being the last chat number that was given (0: none), unless
    /// it is known already.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn seed_application(
        &self,
        adopted: &Adopted,
        token: ApplicationToken,
        application_id: ApplicationId,
        last_chat: u64,
    ) -> Result<Seed, Error> {
        let key = self.keys().application(token, adopted.record().epoch);
        seed(&self.run(adopted, &adopted.scripts().seed_application, &[&key], &[application_id.get(), last_chat]).await?)
    }

    /// Sets a chat's message counter to `last_message` (0: none was given), unless it is there already.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn seed_chat(
        &self,
        adopted: &Adopted,
        token: ApplicationToken,
        chat: ChatNumber,
        last_message: u64,
    ) -> Result<Seed, Error> {
        let keys = self.keys().chat(token, adopted.record().epoch, chat);
        let script = &adopted.scripts().seed_chat;
        seed(&self.run(adopted, script, &[keys.application(), keys.counter()], &[chat.get(), last_message]).await?)
    }

    /// Raises an application's chat counter to `to`, the number of a chat that an older epoch has given.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn raise_chats(&self, adopted: &Adopted, token: ApplicationToken, to: ChatNumber) -> Result<Raise, Error> {
        let key = self.keys().application(token, adopted.record().epoch);
        raise(&self.run(adopted, &adopted.scripts().raise_chats, &[&key], &[to.get()]).await?)
    }

    /// Raises a chat's message counter to `to`, the number of a message that an older epoch has given.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn raise_messages(
        &self,
        adopted: &Adopted,
        token: ApplicationToken,
        chat: ChatNumber,
        to: MessageNumber,
    ) -> Result<Raise, Error> {
        let keys = self.keys().chat(token, adopted.record().epoch, chat);
        let script = &adopted.scripts().raise_messages;
        raise(&self.run(adopted, script, &[keys.application(), keys.counter()], &[chat.get(), to.get()]).await?)
    }

    /// The last chat number that was given in an application (0: none), if the adopted epoch knows the application.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn last_chat(&self, adopted: &Adopted, token: ApplicationToken) -> Result<Option<(ApplicationId, u64)>, Error> {
        let key = self.keys().application(token, adopted.record().epoch);
        match split(&self.run(adopted, &adopted.scripts().last_chat, &[&key], &[]).await?)? {
            (b"LAST", [id, last]) => Ok(Some((application_id(id)?, number(last)?))),
            (b"MISSING", []) => Ok(None),
            _ => Err(unexpected()),
        }
    }

    /// The last message number that was given in a chat (0: none), if the adopted epoch knows its counter.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn last_message(&self, adopted: &Adopted, token: ApplicationToken, chat: ChatNumber) -> Result<Option<u64>, Error> {
        let keys = self.keys().chat(token, adopted.record().epoch, chat);
        match split(&self.run(adopted, &adopted.scripts().last_message, &[keys.application(), keys.counter()], &[]).await?)? {
            (b"LAST", [last]) => number(last).map(Some),
            (b"MISSING", []) => Ok(None),
            _ => Err(unexpected()),
        }
    }
}

fn seed(answer: &Value) -> Result<Seed, Error> {
    match split(answer)? {
        (b"SEEDED", []) => Ok(Seed::Seeded),
        (b"PRESENT", []) => Ok(Seed::Present),
        _ => Err(unexpected()),
    }
}

fn raise(answer: &Value) -> Result<Raise, Error> {
    match split(answer)? {
        (b"RAISED", []) => Ok(Raise::Raised),
        (b"NOT_BELOW", []) => Ok(Raise::NotBelow),
        (b"MISSING", []) => Ok(Raise::Missing),
        _ => Err(unexpected()),
    }
}
