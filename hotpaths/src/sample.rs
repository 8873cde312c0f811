//! What the paths are gone with: the same in every run, on every machine.

use domain::{ApplicationId, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
use events::{Item, MessageCreated};

/// A request's body as most are.
pub(crate) const BODY: &[u8] = br#"{"body":"client 17 says for the 1234th time that all the world's a stage, and all the men"}"#;
/// A text as most are.
pub(crate) const TEXT: &str = "client 17 says for the 1234th time that all the world's a stage, and all the men";
/// As long, with letters of other alphabets, and some that fold to others.
pub(crate) const UNICODE: &str = "Клиент 17 говорит в 1234-й раз: Весь мир — театр. Ἕλλην, Straße, ﬁn, é, 世界は舞台";
/// Items of an envelope: as many as gather while publishes are under way at 256 connections.
const GROUP: u64 = 64;
/// 2026-01-02, about.
const MOMENT_MS: i64 = 1_767_323_045_678;

/// A group of creates; `None` is a bug.
pub(crate) fn items() -> Option<Vec<Item>> {
    (1..=GROUP).map(item).collect()
}

fn item(number: u64) -> Option<Item> {
    // In the form of a name that is drawn: version 7, and the rest some bytes.
    let name = 0x019b_7c3d_2e4e_7000_8000_0000_0000_0000_u128 | (u128::from(number) * 0x9e37_79b9);
    Some(Item::Message(MessageCreated {
        event_id: EventId::from_bytes(name.to_be_bytes()),
        application_id: ApplicationId::new(7),
        chat: ChatNumber::new(3).ok()?,
        number: MessageNumber::new(100_000 + number).ok()?,
        body: MessageBody::new(TEXT).ok()?,
        created_at: Timestamp::from_unix_millis(MOMENT_MS)?,
        request_id: format!("0f8fad5b-d9cb-869f-a165-{:012x}", 70_000 + number),
        trace: None,
    }))
}
