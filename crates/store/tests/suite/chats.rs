//! Chats: finding, renaming, batches, the highest number.

use domain::{ApplicationId, ApplicationToken, ChatName, ChatNumber, EventId, Timestamp};
use events::Identity;
use store::{
    ErrorKind, Lookup, Updated, chats,
    dead_letters::{self, DeadLetter, Reason},
};

use super::support::{Database, add_chats, any, application, chat, chat_number, done, message_number, soon};

#[tokio::test]
async fn an_inserted_chat_is_found_and_a_name_may_be_missing() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await;
    let mut named = chat(app.id, 2);
    named.name = Some(ChatName::new("näme \u{0}🦀").unwrap());
    let nameless = chat(app.id, 1);
    chats::insert(conn, &[&named, &nameless]).await.unwrap();
    for created in [&named, &nameless] {
        let found = chats::find(conn, app.id, created.number).await.unwrap().unwrap();
        assert_eq!((found.number, &found.name), (created.number, &created.name));
        assert_eq!((found.created_at, found.updated_at), (created.created_at, created.created_at));
        assert_eq!((found.version, found.messages_count), (1, 0));
        assert_eq!(chats::find_by_token(conn, app.token, created.number).await.unwrap(), Lookup::Found(found));
    }
    assert_eq!(chats::find(conn, app.id, chat_number(3)).await.unwrap(), None);
    assert_eq!(chats::find_by_token(conn, app.token, chat_number(3)).await.unwrap(), Lookup::Missing(app.id));
    let unknown = ApplicationToken::generate().unwrap();
    assert_eq!(chats::find_by_token(conn, unknown, chat_number(1)).await.unwrap(), Lookup::NoApplication);
    let place = chats::Place { application_id: app.id, messages_count: 0 };
    assert_eq!(chats::locate(conn, app.token, chat_number(1)).await.unwrap(), Lookup::Found(place));
    assert_eq!(chats::locate(conn, app.token, chat_number(3)).await.unwrap(), Lookup::Missing(app.id));
    assert_eq!(chats::locate(conn, unknown, chat_number(1)).await.unwrap(), Lookup::NoApplication);
}

#[tokio::test]
async fn a_chat_can_be_renamed_and_lose_its_name() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await;
    add_chats(conn, app.id, [1]).await;
    let (name, now) = (ChatName::new("other").unwrap(), soon());
    let renamed = done(chats::rename(conn, app.id, ChatNumber::FIRST, Some(&name), now, any).await.unwrap());
    assert_eq!((renamed.name, renamed.version, renamed.updated_at), (Some(name.clone()), 2, now));
    let bare = done(chats::rename(conn, app.id, ChatNumber::FIRST, None, now, any).await.unwrap());
    assert_eq!((&bare.name, bare.version), (&None, 3));
    assert_eq!(chats::rename(conn, app.id, chat_number(2), None, now, any).await.unwrap(), Updated::Missing);
    let refused = chats::rename(conn, app.id, ChatNumber::FIRST, Some(&name), now, |version| version != 3).await.unwrap();
    assert_eq!(refused, Updated::Refused);
    assert_eq!(chats::find(conn, app.id, ChatNumber::FIRST).await.unwrap(), Some(bare));
}

#[tokio::test]
async fn a_taken_number_fails_the_whole_batch_and_tells_whose_it_is() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await;
    let first = chat(app.id, 2);
    chats::insert(conn, std::slice::from_ref(&first)).await.unwrap();
    let error = chats::insert(conn, &[chat(app.id, 1), chat(app.id, 2), chat(app.id, 3)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    let keys: Vec<_> = (1..=3).map(|number| (app.id, chat_number(number))).collect();
    assert_eq!(chats::stored_events(conn, &keys).await.unwrap(), [((app.id, chat_number(2)), first.event_id)]);
    assert_eq!(chats::existing(conn, &keys).await.unwrap(), [(app.id, chat_number(2))]);
    assert_eq!(chats::existing(conn, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn many_scattered_keys_are_found_among_several_applications() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let (one, two) = (application(conn).await.id, application(conn).await.id);
    // No two of them side by side: more alternatives than one statement takes.
    add_chats(conn, one, (1..=1_300).step_by(2)).await;
    add_chats(conn, two, (2..=1_300).step_by(2)).await;
    let asked: Vec<_> = (1..=1_300).rev().flat_map(|n| [(two, chat_number(n)), (one, chat_number(n))]).collect();
    let mut expected: Vec<(ApplicationId, ChatNumber)> = (1..=1_300).step_by(2).map(|n| (one, chat_number(n))).collect();
    expected.extend((2..=1_300).step_by(2).map(|n| (two, chat_number(n))));
    assert_eq!(chats::existing(conn, &asked).await.unwrap(), expected);
    let odd: Vec<_> = (1..=1_300).step_by(2).map(|n| (two, chat_number(n))).collect();
    assert_eq!(chats::existing(conn, &odd).await.unwrap(), []);
}

#[tokio::test]
async fn the_highest_number_counts_dead_letters_of_chats_and_of_their_messages() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let (app, other) = (application(conn).await.id, application(conn).await.id);
    assert_eq!(chats::highest(conn, app).await.unwrap(), 0);
    add_chats(conn, app, [1, 5]).await;
    add_chats(conn, other, [99]).await;
    assert_eq!(chats::highest(conn, app).await.unwrap(), 5);
    for (dead, message, expected) in [(3, None, 5), (7, None, 7), (9, Some(message_number(1)), 9)] {
        let identity =
            Identity { event_id: Some(EventId::generate()), application_id: Some(app), chat: Some(chat_number(dead)), message };
        let letter = DeadLetter {
            reason: Reason::Rejected,
            detail: String::new(),
            identity,
            payload: Vec::new(),
            created_at: Timestamp::now(),
        };
        dead_letters::add(conn, &[letter]).await.unwrap();
        assert_eq!(chats::highest(conn, app).await.unwrap(), expected);
    }
}
