//! Deploys mix releases: what an earlier one wrote stands in the queue, and a later one may write before all consumers are
//! replaced.
//!
//! `payloads/` holds what each version of the envelope looks like. Files there are never changed, only added: with a new version,
//! its own, and what a release after it may write.

#![allow(clippy::unwrap_used)]

use domain::{ApplicationId, ChatName, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
use events::{
    ChatCreated, Decoded, ENVELOPE_VERSION, Epoch, Item, MessageCreated, Undecodable, decode, encode_fence, encode_items,
};

const ITEMS: [&[u8]; 2] = [include_bytes!("payloads/v1-items.json"), include_bytes!("payloads/v1-items-of-a-later-release.json")];
const FENCES: [&[u8]; 2] =
    [include_bytes!("payloads/v1-fence.json"), include_bytes!("payloads/v1-fence-of-a-later-release.json")];
const NEXT_VERSION: &[u8] = include_bytes!("payloads/v2-items-of-the-next-version.json");

/// What the files of items say.
fn said() -> (Epoch, Vec<Item>) {
    let event_id = |last: u32| serde_json::from_str::<EventId>(&format!("\"01890a5d-ac96-774b-bcce-b302099a80{last}\"")).unwrap();
    let created_at = |last: i64| Timestamp::from_unix_millis(1_767_323_045_600 + last).unwrap();
    let application_id = ApplicationId::new(3);
    let chat = |event, number, name: Option<&str>, moment, request: &str| {
        Item::Chat(ChatCreated {
            event_id: event_id(event),
            application_id,
            number: ChatNumber::new(number).unwrap(),
            name: name.map(|name| ChatName::new(name).unwrap()),
            created_at: created_at(moment),
            request_id: request.to_owned(),
            trace: None,
        })
    };
    let message = Item::Message(MessageCreated {
        event_id: event_id(59),
        application_id,
        chat: ChatNumber::FIRST,
        number: MessageNumber::new(domain::MAX_NUMBER).unwrap(),
        body: MessageBody::new("né \"quoted\"\n🎭").unwrap(),
        created_at: created_at(80),
        request_id: "r-3".to_owned(),
        trace: None,
    });
    (Epoch::new(7), vec![chat(57, 1, Some("Le café"), 78, "r-1"), chat(58, 2, None, 79, "r-2"), message])
}

#[test]
fn payloads_of_every_version_and_of_later_releases_are_read_exactly() {
    for payload in ITEMS {
        let Decoded::Items { epoch, items } = decode(payload).unwrap() else { panic!("a fence") };
        let items: Vec<Item> = items.into_iter().map(Result::unwrap).collect();
        assert_eq!((epoch, items), said());
    }
    for payload in FENCES {
        let fence = decode(payload).unwrap();
        assert!(matches!(fence, Decoded::Fence { epoch } if epoch == Epoch::new(u64::MAX)), "{fence:?}");
    }
}

/// Whoever could read these files can read what is written today.
#[test]
fn what_is_written_is_what_readers_of_its_version_know() {
    assert_eq!(ENVELOPE_VERSION, 1, "add the new version's payloads");
    let (epoch, items) = said();
    assert_eq!(String::from_utf8(encode_items(epoch, &items).unwrap()).unwrap().as_bytes(), ITEMS[0]);
    assert_eq!(encode_fence(Epoch::new(u64::MAX)).unwrap(), FENCES[0]);
}

#[test]
fn the_next_version_is_named_as_such_and_not_guessed_at() {
    let unknown = decode(NEXT_VERSION).unwrap_err();
    assert!(matches!(unknown, Undecodable::Version(2)), "{unknown}");
    assert_eq!(unknown.to_string(), "envelope version 2 is not known");
}
