//! What the scripts answer: a word, then numbers. Of several chats each has such an answer.

use deadpool_redis::redis::{ErrorKind, RedisError, Value};
use domain::{ApplicationId, ChatNumber, MessageNumber};

use crate::Error;

/// Splits an answer into its word and the numbers that follow.
pub(crate) fn split(answer: &Value) -> Result<(&[u8], &[Value]), Error> {
    match answer {
        Value::Array(parts) => match parts.as_slice() {
            [Value::BulkString(word), numbers @ ..] => Ok((word, numbers)),
            _ => Err(unexpected()),
        },
        _ => Err(unexpected()),
    }
}

pub(crate) fn number(part: &Value) -> Result<u64, Error> {
    let number = match part {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::BulkString(digits) => std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
        _ => None,
    };
    number.ok_or_else(unexpected)
}

pub(crate) fn application_id(part: &Value) -> Result<ApplicationId, Error> {
    number(part).map(ApplicationId::new)
}

pub(crate) fn chat_number(part: &Value) -> Result<ChatNumber, Error> {
    ChatNumber::new(number(part)?).map_err(|_| unexpected())
}

pub(crate) fn message_number(part: &Value) -> Result<MessageNumber, Error> {
    MessageNumber::new(number(part)?).map_err(|_| unexpected())
}

/// A script went on without a command that Redis has answered with this error.
pub(crate) fn failed(error: &[u8]) -> Error {
    let text = String::from_utf8_lossy(error).into_owned();
    Error::Protocol(RedisError::from((ErrorKind::UnexpectedReturnType, "a command of a script failed", text)))
}

/// The answer has a form that no script of ours gives.
pub(crate) fn unexpected() -> Error {
    Error::Protocol(malformed())
}

pub(crate) fn malformed() -> RedisError {
    RedisError::from((ErrorKind::UnexpectedReturnType, "the answer has another form than expected"))
}
