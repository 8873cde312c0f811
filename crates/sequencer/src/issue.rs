//! Takes the next numbers. A number that was taken is never taken back: whoever does not publish it leaves a gap, which only the
//! same request with the same idempotency key may still fill.

use std::iter;

use deadpool_redis::redis::Value;
use domain::{ApplicationId, ApplicationToken, ChatNumber, MessageNumber};
use gcra::{Charge, Verdict};

use crate::{
    Adopted, Error, Known, Once, Sequencer,
    keys::Keys,
    limited::Judged,
    reply::{application_id, chat_number, failed, message_number, split, unexpected},
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
    /// No number was taken, and nothing else was looked at: the request is beyond its client's limit.
    Limited(Verdict),
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
    /// No number was taken, and nothing else was looked at: the request is beyond its client's limit.
    Limited(Verdict),
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
    /// Takes an application's next chat number; for a request with a key only if the key is not known, and with a charge only if
    /// the charge, which is made by the same call unless it was made before, lets it pass.
    ///
    /// # Errors
    /// Any [`Error`]. After [`Error::Unavailable`] a number may have been taken, which nobody gets but who asks with the same
    /// key.
    pub async fn issue_chat_once(
        &self,
        adopted: &Adopted,
        token: ApplicationToken,
        once: Option<&Once>,
        charge: Option<&Charge>,
    ) -> Result<ChatIssue, Error> {
        let application = self.keys().application(token, adopted.record().epoch);
        let script = &adopted.scripts().issue_chat;
        let judged = match once {
            None => self.issue(adopted, script, &[&application], &[], &[], charge).await?,
            Some(once) => {
                let (record, given) = (self.keys().once(token, once.key), once.arguments(self.settings().idempotency_ttl_s));
                self.issue(adopted, script, &[&application, &record], &[given.ttl_s], &given.texts, charge).await?
            }
        };
        let answer = match judged {
            Judged::Passed(answer) => answer,
            Judged::Limited(verdict) => return Ok(ChatIssue::Limited(verdict)),
        };
        match split(&answer)? {
            (b"ISSUED", [id, number]) => {
                Ok(ChatIssue::Issued { application_id: application_id(id)?, number: chat_number(number)? })
            }
            (b"NOT_SEEDED", []) => Ok(ChatIssue::NotSeeded),
            (word, parts) => Known::read(word, parts, chat_number)?.map(ChatIssue::Known).ok_or_else(unexpected),
        }
    }

    /// Takes a chat's next `count` message numbers, which follow one another; for a request with a key only if the key is not
    /// known, and with a charge only if the charge, which is made by the same call unless it was made before, lets it pass.
    ///
    /// # Errors
    /// Any [`Error`]. After [`Error::Unavailable`] the numbers may have been taken, and nobody gets them but who asks with the
    /// same key.
    pub async fn issue_messages_once(
        &self,
        adopted: &Adopted,
        token: ApplicationToken,
        chat: ChatNumber,
        count: u64,
        once: Option<&Once>,
        charge: Option<&Charge>,
    ) -> Result<MessageIssue, Error> {
        let keys = self.keys().chat(token, adopted.record().epoch, chat);
        let script = &adopted.scripts().issue_messages;
        let judged = match once {
            None => self.issue(adopted, script, &[keys.application(), keys.counter()], &[chat.get(), count], &[], charge).await?,
            Some(once) => {
                let (record, given) = (self.keys().once(token, once.key), once.arguments(self.settings().idempotency_ttl_s));
                let keys = [keys.application(), keys.counter(), record.as_str()];
                self.issue(adopted, script, &keys, &[chat.get(), count, given.ttl_s], &given.texts, charge).await?
            }
        };
        match judged {
            Judged::Passed(answer) => message_issue(&answer),
            Judged::Limited(verdict) => Ok(MessageIssue::Limited(verdict)),
        }
    }

    /// Takes the next message numbers of several chats of one application, of each as many as stands beside it, by one call. What
    /// came of each, in the order of the chats, is what [`Sequencer::issue_messages_once`] would have told of it, for a request
    /// with neither key nor charge: a chat whose numbers cannot be given keeps no other from its own.
    ///
    /// # Errors
    /// Any [`Error`]. After [`Error::Unavailable`] the numbers may have been taken, and nobody gets them.
    pub(crate) async fn issue_in_chats(
        &self,
        adopted: &Adopted,
        token: ApplicationToken,
        chats: &[(ChatNumber, u16)],
    ) -> Result<Vec<Result<MessageIssue, Error>>, Error> {
        let application = self.keys().application(token, adopted.record().epoch);
        let counters: Vec<String> = chats.iter().map(|(chat, _)| Keys::counter(&application, *chat)).collect();
        let keys: Vec<&str> = iter::once(&application).chain(&counters).map(String::as_str).collect();
        let arguments: Vec<u64> = chats.iter().flat_map(|(chat, count)| [chat.get(), u64::from(*count)]).collect();
        match self.run(adopted, &adopted.scripts().issue_in_chats, &keys, &arguments).await? {
            Value::Array(answers) if answers.len() == chats.len() => Ok(answers.iter().map(message_issue).collect()),
            _ => Err(unexpected()),
        }
    }
}

fn message_issue(answer: &Value) -> Result<MessageIssue, Error> {
    match split(answer)? {
        (b"ISSUED", [id, number]) => {
            Ok(MessageIssue::Issued { application_id: application_id(id)?, number: message_number(number)? })
        }
        (b"NO_SUCH_CHAT", []) => Ok(MessageIssue::NoSuchChat),
        (b"APPLICATION_NOT_SEEDED", []) => Ok(MessageIssue::ApplicationNotSeeded),
        (b"CHAT_NOT_SEEDED", [id]) => Ok(MessageIssue::ChatNotSeeded { application_id: application_id(id)? }),
        (b"FAILED", [Value::BulkString(error)]) => Err(failed(error)),
        (word, parts) => Known::read(word, parts, message_number)?.map(MessageIssue::Known).ok_or_else(unexpected),
    }
}
