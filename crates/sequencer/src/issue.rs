//! Takes the next number. A number that was taken is never taken back: whoever does not publish it leaves a gap.
//!
//! An idempotency key will be one more argument of these two methods and of their scripts, and its replay one more variant of
//! their answers: it must be looked up and recorded in the same script that takes the number.

use domain::{ApplicationId, ApplicationToken, ChatNumber, MessageNumber};

use crate::{
    Adopted, Error, Sequencer,
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
    /// The application is not known in this epoch. It may exist.
    NotSeeded,
}

/// What came of asking for a message's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageIssue {
    /// The number, given to this caller alone.
    Issued {
        /// The application.
        application_id: ApplicationId,
        /// The message's number.
        number: MessageNumber,
    },
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
        let key = self.keys().application(token, adopted.record().epoch);
        let answer = self.run(adopted, &adopted.scripts().issue_chat, &[&key], &[]).await?;
        match split(&answer)? {
            (b"ISSUED", [id, number]) => {
                Ok(ChatIssue::Issued { application_id: application_id(id)?, number: chat_number(number)? })
            }
            (b"NOT_SEEDED", []) => Ok(ChatIssue::NotSeeded),
            _ => Err(unexpected()),
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
        let keys = self.keys().chat(token, adopted.record().epoch, chat);
        let answer =
            self.run(adopted, &adopted.scripts().issue_message, &[keys.application(), keys.counter()], &[chat.get()]).await?;
        match split(&answer)? {
            (b"ISSUED", [id, number]) => {
                Ok(MessageIssue::Issued { application_id: application_id(id)?, number: message_number(number)? })
            }
            (b"NO_SUCH_CHAT", []) => Ok(MessageIssue::NoSuchChat),
            (b"APPLICATION_NOT_SEEDED", []) => Ok(MessageIssue::ApplicationNotSeeded),
            (b"CHAT_NOT_SEEDED", [id]) => Ok(MessageIssue::ChatNotSeeded { application_id: application_id(id)? }),
            _ => Err(unexpected()),
        }
    }
}
