//! Makes dead letters: what is kept of an item that cannot be stored, and why. The reasons name events, never a text: what
//! people wrote stands in the payload alone.

use domain::{EventId, Timestamp};
use events::{BadItem, Identity, Item, MessageCreated};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use store::{
    Error,
    dead_letters::{DeadLetter, Reason},
};

/// The longest request id that a service takes from a client, or makes.
const MAX_REQUEST_ID_CHARS: usize = 128;

/// Another event stands under the item's number.
pub(crate) fn conflict(item: &Item, stored: EventId) -> DeadLetter {
    of_item(item, Reason::Conflict, format!("event {} has a number that event {stored} has", item.event_id()))
}

/// An item of an earlier epoch whose number the present one may have given to another.
pub(crate) fn straggler(item: &Item) -> DeadLetter {
    let detail = format!("event {} is of an earlier epoch and its number may have been given again", item.event_id());
    of_item(item, Reason::Conflict, detail)
}

/// A message of a chat that was never stored.
pub(crate) fn chat_missing(message: &MessageCreated) -> DeadLetter {
    of_item(&Item::Message(message.clone()), Reason::ChatMissing, "the message's chat is not stored".to_owned())
}

/// An item that MySQL refuses.
pub(crate) fn rejected(item: &Item, error: &Error) -> DeadLetter {
    of_item(item, Reason::Rejected, error.to_string())
}

/// An item of a sound envelope that cannot be read.
pub(crate) fn undecodable_item(bad: &BadItem) -> DeadLetter {
    letter(Reason::UndecodableItem, bad.reason.clone(), bad.identity, bad.payload.clone().into_bytes())
}

/// A payload that is no sound envelope. It names no event, and must not be kept twice when it is delivered again: it is named
/// after its bytes.
pub(crate) fn undecodable_payload(payload: &[u8], why: String) -> DeadLetter {
    let mut digest = [0; 16];
    digest.copy_from_slice(&Sha256::digest(payload)[..16]);
    let identity = Identity { event_id: Some(EventId::of_digest(digest)), ..Identity::default() };
    letter(Reason::UndecodablePayload, why, identity, payload.to_vec())
}

/// The request whose create became the letter, for the log. What a payload holds that nobody could read is not looked at, and
/// what is no request id is not logged: it may be anyone's text.
pub(crate) fn request_id(letter: &DeadLetter) -> Option<String> {
    #[derive(Deserialize)]
    struct Asked {
        request_id: String,
    }
    if letter.reason == Reason::UndecodablePayload {
        return None;
    }
    let Asked { request_id } = serde_json::from_slice(&letter.payload).ok()?;
    let is_one = (1..=MAX_REQUEST_ID_CHARS).contains(&request_id.len()) && request_id.bytes().all(|byte| byte.is_ascii_graphic());
    is_one.then_some(request_id)
}

fn of_item(item: &Item, reason: Reason, detail: String) -> DeadLetter {
    // Every part of an item has a JSON form: it came as JSON.
    letter(reason, detail, Identity::from(item), serde_json::to_vec(item).unwrap_or_default())
}

fn letter(reason: Reason, detail: String, identity: Identity, payload: Vec<u8>) -> DeadLetter {
    DeadLetter { reason, detail, identity, payload, created_at: Timestamp::now() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::sample;

    #[test]
    fn a_payload_has_the_same_name_whenever_it_comes_and_another_has_another() {
        let named = |payload: &[u8]| undecodable_payload(payload, String::new()).identity;
        assert_eq!(named(b"no envelope"), named(b"no envelope"));
        assert_ne!(named(b"no envelope"), named(b"no envelope either"));
        assert_eq!(named(b"").application_id, None);
    }

    #[test]
    fn a_letter_tells_the_request_id_of_its_item_and_nothing_else_that_stands_there() {
        let entry = sample::message(1, 1);
        let item = entry.subject.item().unwrap();
        assert_eq!(request_id(&straggler(item)).as_deref(), Some(item.request_id()));
        let undecodable = |payload: &str| letter(Reason::UndecodableItem, String::new(), Identity::default(), payload.into());
        assert_eq!(request_id(&undecodable(r#"{"request_id":"a-1","body":7}"#)).as_deref(), Some("a-1"));
        let long = format!(r#"{{"request_id":"{}"}}"#, "x".repeat(129));
        for none in
            [r#"{"request_id":"two words"}"#, r#"{"request_id":7}"#, r#"{"request_id":""}"#, "{}", "[]", "", long.as_str()]
        {
            assert_eq!(request_id(&undecodable(none)), None, "{none}");
        }
        assert_eq!(request_id(&undecodable_payload(br#"{"request_id":"a-1"}"#, String::new())), None);
    }
}
