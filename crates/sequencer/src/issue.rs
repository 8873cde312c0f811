//! Takes the next numbers. A number that was taken is never taken back: whoever does not publish it leaves a gap, which only the
//! same request with the same idempotency key may still fill.

use domain::{ApplicationId, ApplicationToken, ChatNumber, MessageNumber};

use crate::{
    Adopted, Error, Known, Once, Sequencer,
    reply::{application_id, chat_number, message_number, split, unexpected},
};

/// What came of asking for a chat's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatIssue {
    /// The number, given to this caller alone.
    Issued {
        /// The application.
        application_id: ApplicationId,
        /// The chat's number.
        number: ChatNumber,
    },
    /// No number was taken: the request's key is known.
    Known(Known<ChatNumber>),
    /// The application is not known in this epoch. It may exist.
    NotSeeded,
}

/// What came of asking for messages' numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageIssue {
    /// The number, given to this caller alone.
    Issued {
        /// The application.
        application_id: ApplicationId,
        /// The message's number; of several the first, the others follow.
        number: MessageNumber,
    },
    /// No number was taken: the request's key is known.
    Known(Known<MessageNumber>),
    /// The chat's number is above the last that was given: there is no such chat.
    NoSuchChat,
    /// The application is not known in this epoch. It may exist.
    ApplicationNotSeeded,
    /// The chat's counter is not known in this epoch. The chat may exist.
    ChatNotSeeded {
        /// The application.
        application_id: ApplicationId,
    },
}

impl Sequencer {
    /// Takes an application's next chat number.
    ///
    /// # Errors
    /// Any [`Error`]. After [`Error::Unavailable`] a number may have been taken, which nobody gets.
    pub async fn issue_chat(&self, adopted: &Adopted, token: ApplicationToken) -> Result<ChatIssue, Error> {
        self.issue_chat_once(adopted, token, None).await
    }

    /// As [`Sequencer::issue_chat`]; for a request with a key only if the key is not known.
    ///
    /// # Errors
    /// Any [`Error`]. After [`Error::Unavailable`] a number may have been taken, which nobody gets but who asks with the same key.
    pub async fn issue_chat_once(
        &self,
        adopted: &Adopted,
        token: ApplicationToken,
        once: Option<&Once>,
    ) -> Result<ChatIssue, Error> {
        let application = self.keys().application(token, adopted.record().epoch);
        let script = &adopted.scripts().issue_chat;
        let answer = match once {
            None => self.run(adopted, script, &[&application], &[]).await?,
            Some(once) => {
                let (record, given) = (self.keys().once(token, once.key), once.arguments(self.settings().idempotency_ttl_s));
                self.run_with(adopted, script, &[&application, &record], &[given.ttl_s], &given.texts).await?
            }
        };
        match split(&answer)? {
            (b"ISSUED", [id, number]) => {
                Ok(ChatIssue::Issued { application_id: application_id(id)?, number: chat_number(number)? })
            }
            (b"NOT_SEEDED", []) => Ok(ChatIssue::NotSeeded),
            (word, parts) => Known::read(word, parts, chat_number)?.map(ChatIssue::Known).ok_or_else(unexpected),
        }
    }

    /// Takes a chat's next message number.
    ///
    /// # Errors
    /// Any [`Error`]. After [`Error::Unavailable`] a number may have been taken, which nobody gets.
    pub async fn issue_message(
        &self,
        adopted: &Adopted,
        token: ApplicationToken,
        chat: ChatNumber,
    ) -> Result<MessageIssue, Error> {
        self.issue_messages_once(adopted, token, chat, 1, None).await
    }

    /// Takes a chat's next `count` message numbers, which follow one another; for a request with a key only if the key is not
    /// known.
    ///
    /// # Errors
    /// Any [`Error`]. After [`Error::Unavailable`] the numbers may have been taken, and nobody gets them but who asks with the same
    /// key.
    pub async fn issue_messages_once(
        &self,
        adopted: &Adopted,
        token: ApplicationToken,
        chat: ChatNumber,
        count: u64,
        once: Option<&Once>,
    ) -> Result<MessageIssue, Error> {
        let keys = self.keys().chat(token, adopted.record().epoch, chat);
        let script = &adopted.scripts().issue_messages;
        let answer = match once {
            None => self.run(adopted, script, &[keys.application(), keys.counter()], &[chat.get(), count]).await?,
            Some(once) => {
                let (record, given) = (self.keys().once(token, once.key), once.arguments(self.settings().idempotency_ttl_s));
                let keys = [keys.application(), keys.counter(), record.as_str()];
                self.run_with(adopted, script, &keys, &[chat.get(), count, given.ttl_s], &given.texts).await?
            }
        };
        match split(&answer)? {
            (b"ISSUED", [id, number]) => {
                Ok(MessageIssue::Issued { application_id: application_id(id)?, number: message_number(number)? })
            }
            (b"NO_SUCH_CHAT", []) => Ok(MessageIssue::NoSuchChat),
            (b"APPLICATION_NOT_SEEDED", []) => Ok(MessageIssue::ApplicationNotSeeded),
            (b"CHAT_NOT_SEEDED", [id]) => Ok(MessageIssue::ChatNotSeeded { application_id: application_id(id)? }),
            (word, parts) => Known::read(word, parts, message_number)?.map(MessageIssue::Known).ok_or_else(unexpected),
        }
    }
}
