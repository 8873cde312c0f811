//! Dead letters: what is kept of them, and that a redelivery adds none.

use domain::{ApplicationId, EventId, Timestamp};
use events::Identity;
use store::{
    Settings, Store,
    dead_letters::{self, DeadLetter, Filter, Reason, Resolution},
    transaction,
};

use super::support::{Database, chat_number, figure, message_number};

fn letter(reason: Reason, identity: Identity) -> DeadLetter {
    DeadLetter { reason, detail: "detail".to_owned(), identity, payload: vec![0, 255, 128, 39], created_at: Timestamp::now() }
}

#[tokio::test]
async fn everything_that_could_be_made_out_is_kept() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let whole = Identity {
        event_id: Some(EventId::generate()),
        application_id: Some(ApplicationId::new(7)),
        chat: Some(chat_number(8)),
        message: Some(message_number(9)),
    };
    let reasons = [Reason::Conflict, Reason::ChatMissing, Reason::UndecodableItem, Reason::UndecodablePayload, Reason::Rejected];
    let letters: Vec<_> =
        reasons.into_iter().flat_map(|reason| [letter(reason, whole), letter(reason, Identity::default())]).collect();
    dead_letters::add(conn, &letters).await.unwrap();
    let stored = dead_letters::list(conn, 0, 100).await.unwrap();
    assert_eq!(stored.iter().map(|stored| &stored.letter).collect::<Vec<_>>(), letters.iter().collect::<Vec<_>>());
    let behind = dead_letters::list(conn, stored[7].id, 1).await.unwrap();
    assert_eq!(behind, stored[8..9]);
}

#[tokio::test]
async fn the_same_event_is_kept_once_for_each_reason() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let identity = || Identity { event_id: Some(EventId::generate()), ..Identity::default() };
    let (one, two) = (identity(), identity());
    let letters = [letter(Reason::Conflict, one), letter(Reason::Conflict, two), letter(Reason::Rejected, one)];
    for _ in 0..2 {
        dead_letters::add(conn, &letters).await.unwrap();
    }
    assert_eq!(dead_letters::list(conn, 0, 100).await.unwrap().len(), 3);
    // What has no event id cannot be told apart, and is kept each time.
    for _ in 0..2 {
        dead_letters::add(conn, &[letter(Reason::UndecodablePayload, Identity::default())]).await.unwrap();
    }
    assert_eq!(dead_letters::list(conn, 0, 100).await.unwrap().len(), 5);
}

#[tokio::test]
async fn events_that_are_dead_letters_are_told_among_others() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    assert!(dead_letters::is_empty(conn).await.unwrap());
    // More than one statement asks for.
    let events: Vec<_> = (0..1_200).map(|_| EventId::generate()).collect();
    assert_eq!(dead_letters::among(conn, &events).await.unwrap(), []);
    let identity = |event| Identity { event_id: Some(event), ..Identity::default() };
    let dead = [events[3], events[1_100]];
    let letters = [letter(Reason::Conflict, identity(dead[0])), letter(Reason::Rejected, identity(dead[1]))];
    dead_letters::add(conn, &letters).await.unwrap();
    dead_letters::add(conn, &[letter(Reason::Conflict, Identity::default())]).await.unwrap();
    assert!(!dead_letters::is_empty(conn).await.unwrap());
    assert_eq!(dead_letters::among(conn, &events).await.unwrap(), dead);
    assert_eq!(dead_letters::among(conn, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_long_detail_is_cut() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let mut long = letter(Reason::Rejected, Identity::default());
    long.detail = "🦀".repeat(600);
    dead_letters::add(conn, &[long]).await.unwrap();
    assert_eq!(dead_letters::list(conn, 0, 1).await.unwrap()[0].letter.detail, "🦀".repeat(500));
}

#[tokio::test]
async fn letters_are_listed_and_counted_by_reason_until_they_are_resolved() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let of = |application| Identity { application_id: Some(ApplicationId::new(application)), ..Identity::default() };
    let letters: Vec<_> =
        (1..=6).map(|turn| letter([Reason::Conflict, Reason::Rejected][turn % 2], of(turn as u64 % 3))).collect();
    dead_letters::add(conn, &letters).await.unwrap();
    let all = Filter { reason: None, resolved_too: false, after: 0, limit: 100 };
    let ids = async |conn: &mut store::Connection, filter: Filter| -> Vec<u64> {
        dead_letters::summaries(conn, &filter).await.unwrap().into_iter().map(|letter| letter.id).collect()
    };
    assert_eq!(ids(conn, all).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(ids(conn, Filter { reason: Some(Reason::Conflict), ..all }).await, [2, 4, 6]);
    assert_eq!(ids(conn, Filter { after: 2, limit: 2, ..all }).await, [3, 4]);
    assert_eq!(dead_letters::summaries(conn, &all).await.unwrap()[0].payload_bytes, 4);

    let now = Timestamp::now();
    dead_letters::resolve(conn, 4, Resolution::Discarded, now).await.unwrap();
    dead_letters::erase_payload(conn, 4).await.unwrap();
    assert_eq!(ids(conn, Filter { reason: Some(Reason::Conflict), ..all }).await, [2, 6]);
    assert_eq!(ids(conn, Filter { reason: Some(Reason::Conflict), resolved_too: true, ..all }).await, [2, 4, 6]);
    let resolved = dead_letters::find(conn, 4).await.unwrap().unwrap();
    assert_eq!(resolved.resolved.map(|resolved| (resolved.resolution, resolved.at)), Some((Resolution::Discarded, now)));
    assert_eq!(resolved.letter.payload, [0; 0]);
    assert_eq!(dead_letters::find(conn, 7).await.unwrap(), None);

    assert_eq!(dead_letters::unresolved(conn, Reason::Conflict, None).await.unwrap(), 2);
    assert_eq!(dead_letters::unresolved(conn, Reason::Conflict, Some(ApplicationId::new(2))).await.unwrap(), 1);
    assert_eq!(dead_letters::unresolved(conn, Reason::ChatMissing, None).await.unwrap(), 0);
}

/// The broker may take more than the server takes at once.
#[tokio::test]
async fn a_payload_of_any_length_is_kept_whole_and_erased_whole() {
    const PIECE: usize = 48 * 1024;
    const PIECES: &str = "SELECT COUNT(*) FROM dead_letter_pieces";
    let db = Database::create().await;
    let url = format!("{}?max_allowed_packet=65536", db.settings().url);
    let conn = &mut Store::connect(&Settings::new(url)).unwrap().acquire().await.unwrap();
    let lengths = [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 1_000_000];
    let long = |length, event_id| {
        // No two pieces of it are alike.
        let payload = (0..=250).cycle().take(length).collect();
        DeadLetter { payload, ..letter(Reason::UndecodablePayload, Identity { event_id, ..Identity::default() }) }
    };
    let letters = lengths.map(|length| long(length, Some(EventId::generate())));
    for _ in 0..2 {
        transaction(conn, async |conn| dead_letters::add(conn, &letters).await).await.unwrap();
    }
    let stored = dead_letters::list(conn, 0, 100).await.unwrap();
    // Not shown, for what is compared has a million bytes.
    assert!(stored.iter().map(|stored| &stored.letter).eq(letters.iter()));
    for letter in &stored {
        assert!(dead_letters::find(conn, letter.id).await.unwrap().as_ref() == Some(letter));
        let locked = transaction(conn, async |conn| dead_letters::lock(conn, letter.id).await).await.unwrap();
        assert!(locked.as_ref() == Some(letter));
    }
    let all = Filter { reason: None, resolved_too: true, after: 0, limit: 100 };
    let bytes = async |conn: &mut store::Connection| -> Vec<u64> {
        dead_letters::summaries(conn, &all).await.unwrap().into_iter().map(|letter| letter.payload_bytes).collect()
    };
    let expected = lengths.map(|length| length as u64);
    assert_eq!(bytes(conn).await, expected);
    assert_eq!(figure(conn, PIECES).await.unwrap(), 1 + 1 + 20);

    // A redelivery brings nothing of it back.
    let last = stored[4].id;
    dead_letters::erase_payload(conn, last).await.unwrap();
    transaction(conn, async |conn| dead_letters::add(conn, &letters).await).await.unwrap();
    assert_eq!(dead_letters::find(conn, last).await.unwrap().unwrap().letter.payload, [0; 0]);
    assert_eq!(bytes(conn).await, [expected[0], expected[1], expected[2], expected[3], 0]);
    assert_eq!(figure(conn, PIECES).await.unwrap(), 1 + 1);

    // What has no event is kept each time.
    let nameless = long(PIECE * 3, None);
    for _ in 0..2 {
        transaction(conn, async |conn| dead_letters::add(conn, std::slice::from_ref(&nameless)).await).await.unwrap();
    }
    let kept = dead_letters::list(conn, last, 10).await.unwrap();
    assert!(kept.len() == 2 && kept.iter().all(|kept| kept.letter == nameless));
}
