//! The names of Redis' keys.
//!
//! `<prefix>record` is the record. `<prefix>{<token>}:<epoch>` is an application: a hash with its `id` and `chats`, the last chat
//! number that was given. `<prefix>{<token>}:<epoch>:<chat>` is the last message number that was given in a chat.
//! `<prefix>{<token>}:key:<hash>` is the record of an idempotency key: it is no epoch's own, outlives the epoch in which it was
//! written, and ends by its time to live. The braces are the hash tag by which a cluster would keep an application's keys
//! together; but every script names the record too, and some a client's bucket, so a cluster cannot run them.

use std::fmt::Write as _;

use domain::{ApplicationToken, ChatNumber};
use events::Epoch;

use crate::Digest;

/// Braces, a token's 32 digits, two colons, and an epoch's and a chat's number at their longest.
const LONGEST_SUFFIX: usize = 2 + 32 + 2 + 20 + 16;

#[derive(Debug)]
pub(crate) struct Keys {
    prefix: String,
    record: String,
}

/// The two keys of one chat in one text: the application's is the front part of the counter's.
#[derive(Debug)]
pub(crate) struct ChatKeys {
    text: String,
    application_len: usize,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), record: format!("{prefix}record") }
    }

    pub(crate) fn record(&self) -> &str {
        &self.record
    }

    pub(crate) fn application(&self, token: ApplicationToken, epoch: Epoch) -> String {
        let mut text = String::with_capacity(self.prefix.len() + LONGEST_SUFFIX);
        // Writing to a String cannot fail.
        let _ = write!(text, "{}{{{token}}}:{epoch}", self.prefix);
        text
    }

    pub(crate) fn chat(&self, token: ApplicationToken, epoch: Epoch, chat: ChatNumber) -> ChatKeys {
        let mut text = self.application(token, epoch);
        let application_len = text.len();
        let _ = write!(text, ":{chat}");
        ChatKeys { text, application_len }
    }

    /// The counter of a chat of the application that has this key.
    pub(crate) fn counter(application: &str, chat: ChatNumber) -> String {
        format!("{application}:{chat}")
    }

    /// The record of an idempotency key. Its name must not look like an application's of any epoch.
    pub(crate) fn once(&self, token: ApplicationToken, key: Digest) -> String {
        format!("{}{{{token}}}:key:{key}", self.prefix)
    }

    /// A pattern for `SCAN` that finds all applications and counters, of every epoch.
    pub(crate) fn pattern(&self) -> String {
        let mut pattern = String::new();
        for character in self.prefix.chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern + "{*}:*"
    }

    /// The epoch of a key that the pattern has found. `None` for a key that is not ours after all.
    pub(crate) fn epoch_of(&self, key: &[u8]) -> Option<Epoch> {
        Some(self.parse(key)?.1)
    }

    /// The application, the epoch and, of a counter of messages, the chat of a key that the pattern has found. `None` for a key
    /// that is not ours after all.
    pub(crate) fn parse(&self, key: &[u8]) -> Option<(ApplicationToken, Epoch, Option<ChatNumber>)> {
        let rest = std::str::from_utf8(key).ok()?.strip_prefix(&self.prefix)?.strip_prefix('{')?;
        let (token, rest) = rest.split_once("}:")?;
        let (epoch, chat) = rest.split_once(':').map_or((rest, None), |(epoch, chat)| (epoch, Some(chat)));
        let chat = chat.map(ChatNumber::parse).transpose().ok()?;
        Some((ApplicationToken::parse(token).ok()?, Epoch::new(epoch.parse().ok()?), chat))
    }
}

impl ChatKeys {
    pub(crate) fn application(&self) -> &str {
        &self.text[..self.application_len]
    }

    pub(crate) fn counter(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn keys_have_the_documented_form_and_tell_their_epoch() {
        let keys = Keys::new("chat:");
        let token = ApplicationToken::parse(TOKEN).unwrap();
        let chat = keys.chat(token, Epoch::new(12), ChatNumber::new(5).unwrap());
        assert_eq!(keys.record(), "chat:record");
        assert_eq!(chat.application(), format!("chat:{{{TOKEN}}}:12"));
        assert_eq!(chat.counter(), format!("chat:{{{TOKEN}}}:12:5"));
        assert_eq!(chat.counter(), Keys::counter(chat.application(), ChatNumber::new(5).unwrap()));
        assert_eq!(keys.epoch_of(chat.application().as_bytes()), Some(Epoch::new(12)));
        assert_eq!(keys.epoch_of(chat.counter().as_bytes()), Some(Epoch::new(12)));
    }

    #[test]
    fn a_key_that_only_looks_like_ours_has_no_epoch() {
        let keys = Keys::new("chat:");
        for key in [
            "chat:record",
            "chat:{x}:1",
            &format!("chat:{{{TOKEN}}}:"),
            &format!("chat:{{{TOKEN}}}:1:x"),
            &keys.once(ApplicationToken::parse(TOKEN).unwrap(), Digest::from_bytes([0x11; 16])),
            &format!("{{{TOKEN}}}:1"),
        ] {
            assert_eq!(keys.epoch_of(key.as_bytes()), None, "{key}");
        }
    }

    #[test]
    fn a_prefix_is_taken_literally_in_the_pattern() {
        assert_eq!(Keys::new("a*[b]?").pattern(), "a\\*\\[b\\]\\?{*}:*");
    }
}
