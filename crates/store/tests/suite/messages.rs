//! Messages: finding, editing, batches, the highest number.

use std::time::Duration;

use domain::{ApplicationToken, ChatNumber, EventId, MAX_BODY_CHARS, MAX_NUMBER, MessageNumber, Timestamp};
use events::Identity;
use store::{
    ErrorKind, Lookup, Range, Updated,
    dead_letters::{self, DeadLetter, Reason},
    messages, outbox,
};

use super::support::{
    Database, add_messages, any, application, body, chat_number, done, message, message_number, repeated, soon,
};

const CHAT: ChatNumber = ChatNumber::FIRST;
const ONE: MessageNumber = MessageNumber::FIRST;

#[tokio::test]
async fn every_text_comes_back_as_it_was() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await;
    let texts = [
        "plain".to_owned(),
        "\u{0}".to_owned(),
        "NUL \u{0} inside, quotes ' \" ` and \\ backslashes %_;--".to_owned(),
        "👩‍👩‍👧‍👦 🦀 𝄞 𐍈".to_owned(),
        "e\u{301} é ß ẞ İ ı ﷺ 日本語 한국어 ไทย".to_owned(),
        " \t\r\n trailing white space \n ".to_owned(),
        "\u{feff}\u{202e}\u{fffd}\u{10ffff}".to_owned(),
        "🦀".repeat(MAX_BODY_CHARS),
    ];
    let rows: Vec<_> = (1..).zip(&texts).map(|(number, text)| message(app.id, 1, number, text)).collect();
    messages::insert(conn, &rows).await.unwrap();
    for row in &rows {
        let found = messages::find(conn, app.id, CHAT, row.number).await.unwrap().unwrap();
        assert_eq!(found.body.as_str(), row.body.as_str());
        assert_eq!((found.created_at, found.updated_at, found.version), (row.created_at, row.created_at, 1));
        assert_eq!(messages::find_by_token(conn, app.token, CHAT, row.number).await.unwrap(), Lookup::Found(found));
    }
}

#[tokio::test]
async fn times_keep_their_milliseconds() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await;
    let moments = ["1970-01-01T00:00:00.001Z", "2026-02-28T23:59:59.999Z", "9999-12-31T23:59:59.999Z"];
    for (number, moment) in (1..).zip(moments) {
        let mut row = message(app.id, 1, number, "text");
        row.created_at = serde_json::from_str(&format!("\"{moment}\"")).unwrap();
        messages::insert(conn, &[row]).await.unwrap();
        let found = messages::find(conn, app.id, CHAT, message_number(number)).await.unwrap().unwrap();
        assert_eq!(found.created_at.to_string(), moment);
    }
}

#[tokio::test]
async fn what_is_missing_is_told_apart() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await;
    assert_eq!(messages::find(conn, app.id, CHAT, ONE).await.unwrap(), None);
    assert_eq!(messages::find_by_token(conn, app.token, CHAT, ONE).await.unwrap(), Lookup::Missing(app.id));
    let unknown = ApplicationToken::generate().unwrap();
    assert_eq!(messages::find_by_token(conn, unknown, CHAT, ONE).await.unwrap(), Lookup::NoApplication);
}

#[tokio::test]
async fn an_edit_counts_the_version_and_is_due_for_the_index_at_once() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await;
    add_messages(conn, app.id, 1, [1, 2]).await;
    let now = soon();
    let edited = done(messages::edit(conn, app.id, CHAT, ONE, &body("new"), now, any).await.unwrap());
    assert_eq!((edited.body.as_str(), edited.version, edited.updated_at), ("new", 2, now));
    assert_eq!(messages::find(conn, app.id, CHAT, ONE).await.unwrap(), Some(edited));
    let due = outbox::due(conn, now, 10).await.unwrap();
    let range = Range { application_id: app.id, chat: CHAT, first: ONE, last: ONE };
    assert_eq!(due.entries.into_iter().map(|entry| entry.ranges).collect::<Vec<_>>(), [[range]]);

    let missing = messages::edit(conn, app.id, CHAT, message_number(3), &body("new"), now, any).await.unwrap();
    assert_eq!(missing, Updated::Missing);
    assert_eq!(outbox::depth(conn).await.unwrap(), 1);
}

#[tokio::test]
async fn an_edit_of_a_version_that_may_not_be_replaced_changes_nothing() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await;
    add_messages(conn, app.id, 1, [1]).await;
    let before = messages::find(conn, app.id, CHAT, ONE).await.unwrap();
    let now = Timestamp::now();
    let refused = messages::edit(conn, app.id, CHAT, ONE, &body("new"), now, |version| version == 2).await.unwrap();
    assert_eq!(refused, Updated::Refused);
    assert_eq!(messages::find(conn, app.id, CHAT, ONE).await.unwrap(), before);
    assert_eq!(outbox::depth(conn).await.unwrap(), 0);
    assert_eq!(
        done(messages::edit(conn, app.id, CHAT, ONE, &body("new"), now, |version| version == 1).await.unwrap()).version,
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_edits_that_expect_the_same_version_one_is_done() {
    let db = Database::create().await;
    let store = db.store();
    let app = application(&mut store.acquire().await.unwrap()).await.id;
    add_messages(&mut store.acquire().await.unwrap(), app, 1, [1]).await;
    for expected in 1..=5 {
        let edits = (0..8).map(|turn| {
            let store = store.clone();
            let text = body(&format!("edit {turn}"));
            tokio::spawn(async move {
                repeated(async || {
                    let mut conn = store.acquire().await?;
                    messages::edit(&mut conn, app, CHAT, ONE, &text, Timestamp::now(), |version| version == expected).await
                })
                .await
            })
        });
        let edits: Vec<_> = edits.collect();
        let mut winners = 0;
        for edit in edits {
            match tokio::time::timeout(Duration::from_secs(30), edit).await.unwrap().unwrap() {
                Updated::Done(message) => winners += usize::from(message.version == expected + 1),
                other => assert_eq!(other, Updated::Refused),
            }
        }
        assert_eq!(winners, 1, "of version {expected}");
    }
}

#[tokio::test]
async fn an_edit_that_cannot_tell_the_index_is_not_made() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await;
    add_messages(conn, app.id, 1, [1]).await;
    let before = messages::find(conn, app.id, CHAT, ONE).await.unwrap();
    db.sql("CREATE TRIGGER refuse BEFORE INSERT ON search_outbox FOR EACH ROW SIGNAL SQLSTATE '45000'").await;
    let error = messages::edit(conn, app.id, CHAT, ONE, &body("new"), Timestamp::now(), any).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Row);
    assert_eq!(messages::find(conn, app.id, CHAT, ONE).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_at_the_same_time_each_get_a_version_of_their_own() {
    let db = Database::create().await;
    let store = db.store();
    let app = application(&mut store.acquire().await.unwrap()).await.id;
    add_messages(&mut store.acquire().await.unwrap(), app, 1, [1]).await;
    let edits: Vec<_> = (0..10)
        .map(|turn| {
            let store = store.clone();
            tokio::spawn(async move {
                let text = body(&format!("edit {turn}"));
                repeated(async || {
                    let mut conn = store.acquire().await?;
                    messages::edit(&mut conn, app, CHAT, ONE, &text, Timestamp::now(), any).await
                })
                .await
            })
        })
        .collect();
    let mut versions = Vec::new();
    for edit in edits {
        let edited = tokio::time::timeout(Duration::from_secs(30), edit).await.unwrap().unwrap();
        versions.push(done(edited).version);
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..=11).collect::<Vec<_>>());
    assert_eq!(outbox::depth(&mut store.acquire().await.unwrap()).await.unwrap(), 10);
}

#[tokio::test]
async fn a_taken_number_fails_the_whole_batch_and_tells_whose_it_is() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    let first = message(app, 1, 2, "first");
    messages::insert(conn, std::slice::from_ref(&first)).await.unwrap();
    let batch: Vec<_> = (1..=3).map(|number| message(app, 1, number, "second")).collect();
    assert_eq!(messages::insert(conn, &batch).await.unwrap_err().kind(), ErrorKind::Duplicate);
    let keys: Vec<_> = batch.iter().map(|row| (row.application_id, row.chat, row.number)).collect();
    let stored = messages::stored_events(conn, &keys).await.unwrap();
    assert_eq!(stored, [((app, CHAT, message_number(2)), first.event_id)]);
}

#[tokio::test]
async fn the_highest_number_counts_dead_letters() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    assert_eq!(messages::highest(conn, app, CHAT).await.unwrap(), 0);
    add_messages(conn, app, 1, [1, 4]).await;
    add_messages(conn, app, 2, [9]).await;
    assert_eq!(messages::highest(conn, app, CHAT).await.unwrap(), 4);
    let identity = Identity {
        event_id: Some(EventId::generate()),
        application_id: Some(app),
        chat: Some(CHAT),
        message: Some(message_number(6)),
    };
    let letter = DeadLetter {
        reason: Reason::Conflict,
        detail: String::new(),
        identity,
        payload: b"payload".to_vec(),
        created_at: Timestamp::now(),
    };
    dead_letters::add(conn, &[letter]).await.unwrap();
    assert_eq!(messages::highest(conn, app, CHAT).await.unwrap(), 6);
    assert_eq!(messages::highest(conn, app, chat_number(2)).await.unwrap(), 9);
}

#[tokio::test]
async fn messages_are_read_by_number_by_scan_and_by_range() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    assert!(messages::is_empty(conn).await.unwrap());
    add_messages(conn, app, 1, (1..=20).filter(|number| number % 5 != 0)).await;
    add_messages(conn, app, 2, [1]).await;
    assert!(!messages::is_empty(conn).await.unwrap());

    let asked: Vec<_> = [7, 5, 3, 99, 3].map(message_number).into();
    let found = messages::by_numbers(conn, app, CHAT, &asked).await.unwrap();
    assert_eq!(found.iter().map(|entry| entry.number.get()).collect::<Vec<_>>(), [3, 7]);
    assert_eq!(messages::by_numbers(conn, app, CHAT, &[]).await.unwrap(), []);

    let scanned = messages::scan(conn, app, CHAT, 8, 4).await.unwrap();
    assert_eq!(scanned.iter().map(|entry| entry.number.get()).collect::<Vec<_>>(), [9, 11, 12, 13]);
    assert_eq!(messages::scan(conn, app, CHAT, 19, 4).await.unwrap(), []);
    let back = messages::scan_back(conn, app, CHAT, 8, 4).await.unwrap();
    assert!(back.windows(2).all(|pair| pair[0].number > pair[1].number) && back[0].number.get() < 8, "{back:?}");
    assert_eq!(messages::scan_back(conn, app, CHAT, 1, 4).await.unwrap(), []);

    for (limit, expected) in [(0, 0), (1, 1), (16, 16), (5_000, 16)] {
        assert_eq!(messages::count_up_to(conn, app, CHAT, limit).await.unwrap(), expected);
    }

    let range = |chat, first, last| Range {
        application_id: app,
        chat: chat_number(chat),
        first: message_number(first),
        last: message_number(last),
    };
    let documents = messages::documents(conn, &[range(2, 1, 9), range(1, 4, 6), range(1, 19, 30)]).await.unwrap();
    let found: Vec<_> = documents.messages.iter().map(|(_, chat, entry)| (chat.get(), entry.number.get())).collect();
    assert_eq!(found, [(1, 4), (1, 6), (1, 19), (2, 1)]);
    assert!(documents.unreadable.is_empty() && messages::documents(conn, &[]).await.unwrap().messages.is_empty());

    // One that somebody has emptied by hand.
    db.sql("UPDATE messages SET body = '' WHERE chat_number = 1 AND number = 6").await;
    let documents = messages::documents(conn, &[range(1, 4, 6)]).await.unwrap();
    assert_eq!(documents.messages.iter().map(|(_, _, entry)| entry.number.get()).collect::<Vec<_>>(), [4]);
    assert_eq!(documents.unreadable, [(app, CHAT, message_number(6))]);

    // One in which the query builder itself can read no moment.
    db.sql("SET sql_mode = ''; UPDATE messages SET updated_at = '0000-00-00' WHERE chat_number = 1 AND number = 7").await;
    let documents = messages::documents(conn, &[range(1, 4, 8)]).await.unwrap();
    assert_eq!(documents.messages.iter().map(|(_, _, entry)| entry.number.get()).collect::<Vec<_>>(), [4, 8]);
    assert_eq!(documents.unreadable, [6, 7].map(|number| (app, CHAT, message_number(number))));
    db.sql("UPDATE messages SET updated_at = created_at WHERE chat_number = 1 AND number = 7").await;

    let first = messages::first_within(conn, range(1, 5, MAX_NUMBER)).await.unwrap();
    assert_eq!(first, Some(message_number(6)));
    for nobodys in [range(1, 20, 99), range(2, 2, 9)] {
        assert_eq!(messages::first_within(conn, nobodys).await.unwrap(), None);
    }
    let error = messages::walk(conn, (0, 0, 0), (u64::MAX, u64::MAX), 100).await.unwrap_err().to_string();
    assert_eq!(error, format!("a row of messages holds an invalid value: {}/1/6", app.get()));
}
