//! What is written can be read, by this version and by those that stored payloads stand for; what cannot is told apart.

#![allow(clippy::unwrap_used)]

use domain::{ApplicationId, ChatName, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
use events::{ChatCreated, Decoded, Epoch, Item, MessageCreated, Undecodable, decode, encode_fence, encode_items};
use proptest::prelude::*;

/// As version 1 writes it, with a field that a later release may add.
const STORED: &str = r#"{"v":1,"kind":"items","epoch":7,"added_later":true,"items":[
    {"type":"chat","event_id":"01890a5d-ac96-774b-bcce-b302099a8057","application_id":3,"number":1,"created_at":"2026-01-02T03:04:05.678Z","request_id":"r-1"},
    {"type":"message","event_id":"01890a5d-ac96-774b-bcce-b302099a8058","application_id":3,"chat":1,"number":2,"body":"né","created_at":"2026-01-02T03:04:05.678Z","request_id":"r-2","added_later":[]}]}"#;

fn items(payload: &[u8]) -> (Epoch, Vec<Result<Item, events::BadItem>>) {
    match decode(payload).unwrap() {
        Decoded::Items { epoch, items } => (epoch, items),
        Decoded::Fence { .. } => panic!("a fence"),
    }
}

#[test]
fn stored_payloads_of_version_1_are_read() {
    let (epoch, items) = items(STORED.as_bytes());
    assert_eq!(epoch, Epoch::new(7));
    let Ok(Item::Chat(chat)) = &items[0] else { panic!("{items:?}") };
    assert_eq!((chat.number.get(), &chat.name, chat.created_at.to_string().as_str()), (1, &None, "2026-01-02T03:04:05.678Z"));
    let Ok(Item::Message(message)) = &items[1] else { panic!("{items:?}") };
    assert_eq!((message.chat.get(), message.number.get(), message.body.as_str()), (1, 2, "né"));
}

#[test]
fn a_bad_item_is_told_apart_and_keeps_its_letters_and_its_identity() {
    let payload = STORED.replace("\"né\"", "\"\"");
    let (_, items) = items(payload.as_bytes());
    assert!(items[0].is_ok());
    let bad = items[1].as_ref().unwrap_err();
    assert!(bad.reason.starts_with("body must not be empty"), "{}", bad.reason);
    assert!(payload.contains(&bad.payload));
    assert_eq!(bad.identity.application_id, Some(ApplicationId::new(3)));
    assert_eq!(bad.identity.chat.map(ChatNumber::get), Some(1));
    assert_eq!(bad.identity.message.map(MessageNumber::get), Some(2));
    assert!(bad.identity.event_id.is_some());
}

#[test]
fn the_numbers_of_what_is_neither_chat_nor_message_are_nobodys() {
    let payload = STORED.replace("\"type\":\"message\"", "\"type\":\"reaction\"");
    let bad = items(payload.as_bytes()).1.remove(1).unwrap_err();
    assert_eq!((bad.identity.application_id, bad.identity.event_id.is_some()), (Some(ApplicationId::new(3)), true));
    assert_eq!((bad.identity.chat, bad.identity.message), (None, None));
    let payload = STORED.replace("\"request_id\":\"r-1\"", "\"request_id\":1");
    let bad = items(payload.as_bytes()).1.remove(0).unwrap_err();
    assert_eq!((bad.identity.chat.map(ChatNumber::get), bad.identity.message), (Some(1), None));
}

#[test]
fn the_reason_of_a_bad_item_never_repeats_what_a_client_wrote() {
    let payload = STORED.replace("\"type\":\"message\"", "\"type\":\"a secret\"");
    let (_, items) = items(payload.as_bytes());
    let bad = items[1].as_ref().unwrap_err();
    assert!(!bad.reason.contains("secret"), "{}", bad.reason);
}

#[test]
fn what_is_no_envelope_is_undecodable() {
    for payload in ["", "{", "[]", "null", r#"{"v":1}"#, r#"{"v":1,"kind":"items","epoch":-1,"items":[]}"#] {
        assert!(matches!(decode(payload.as_bytes()), Err(Undecodable::Malformed(_))), "{payload}");
    }
    assert!(matches!(decode(b"\xff\xfe"), Err(Undecodable::Malformed(_))));
    assert!(matches!(decode(br#"{"v":2,"kind":"items","epoch":1,"items":[]}"#), Err(Undecodable::Version(2))));
    assert!(matches!(decode(br#"{"v":1,"kind":"other","epoch":1}"#), Err(Undecodable::Kind)));
    for payload in [r#"{"v":1,"kind":"items","epoch":3}"#, r#"{"v":1,"kind":"items","epoch":3,"entries":[{}]}"#] {
        assert!(matches!(decode(payload.as_bytes()), Err(Undecodable::NoItems)), "{payload}");
    }
    assert!(matches!(decode(br#"{"v":1,"kind":"items","epoch":3,"items":null}"#), Err(Undecodable::NoItems)));
}

#[test]
fn a_fence_is_read_as_a_fence() {
    let payload = encode_fence(Epoch::new(9)).unwrap();
    assert!(matches!(decode(&payload), Ok(Decoded::Fence { epoch }) if epoch == Epoch::new(9)));
}

fn any_item() -> impl Strategy<Value = Item> {
    let number = 1..=domain::MAX_NUMBER;
    (
        any::<bool>(),
        any::<u64>(),
        number.clone(),
        number,
        ".{1,40}",
        proptest::option::of(".{1,20}"),
        "[!-~]{1,36}",
        proptest::option::of("[!-~]{55}"),
    )
        .prop_map(|(is_chat, application, chat, number, body, name, request_id, trace)| {
            let event_id = EventId::generate();
            let application_id = ApplicationId::new(application);
            let created_at = Timestamp::now();
            let chat = ChatNumber::new(chat).unwrap();
            if is_chat {
                let name = name.map(|name| ChatName::new(name).unwrap());
                return Item::Chat(ChatCreated { event_id, application_id, number: chat, name, created_at, request_id, trace });
            }
            let number = MessageNumber::new(number).unwrap();
            let body = MessageBody::new(body).unwrap();
            Item::Message(MessageCreated { event_id, application_id, chat, number, body, created_at, request_id, trace })
        })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(written in prop::collection::vec(any_item(), 0..20), epoch in any::<u64>()) {
        let payload = encode_items(Epoch::new(epoch), &written).unwrap();
        let (read_epoch, read) = items(&payload);
        prop_assert_eq!(read_epoch, Epoch::new(epoch));
        let read: Vec<Item> = read.into_iter().map(Result::unwrap).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn no_payload_makes_decoding_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&payload);
    }
}
