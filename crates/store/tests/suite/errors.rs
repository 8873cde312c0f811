//! Failures made on purpose: each must be of the right kind, and tell nothing that a client wrote.

use std::sync::Arc;

use diesel_async::SimpleAsyncConnection;
use domain::Timestamp;
use store::{Connection, Error, ErrorKind, Store, messages, transaction};
use tokio::sync::Barrier;

use super::support::{Database, add_messages, any, application, body, chat_number, done, figure, message, message_number};

fn number_of(error: &Error) -> u16 {
    match error {
        Error::Server { number, .. } => *number,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_value_that_is_too_long_is_the_rows_fault_and_is_not_repeated() {
    let db = Database::create().await;
    db.sql("ALTER TABLE messages MODIFY body VARCHAR(5) NOT NULL").await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    let error = messages::insert(conn, &[message(app, 1, 1, "short"), message(app, 1, 2, "secret text")]).await.unwrap_err();
    assert_eq!((error.kind(), number_of(&error)), (ErrorKind::Row, 1406));
    assert!(!format!("{error} {error:?}").contains("secret"));
    assert_eq!(figure(conn, "SELECT COUNT(*) FROM messages").await.unwrap(), 0);
}

#[tokio::test]
async fn a_triggers_refusal_is_the_rows_fault_whatever_it_says() {
    let db = Database::create().await;
    db.sql(
        "CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW \
         IF NEW.body = 'poison' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'secret'; END IF",
    )
    .await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    let error = messages::insert(conn, &[message(app, 1, 1, "good"), message(app, 1, 2, "poison")]).await.unwrap_err();
    assert_eq!((error.kind(), number_of(&error)), (ErrorKind::Row, 1644));
    assert!(!format!("{error} {error:?}").contains("secret"));
    messages::insert(conn, &[message(app, 1, 1, "good")]).await.unwrap();
}

#[tokio::test]
async fn values_that_the_server_would_bend_are_refused() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    // Strict mode is the session's, whatever the server's default is.
    for statement in [
        "INSERT INTO dirty_applications VALUES (-1, 1, NOW())",
        "INSERT INTO dirty_applications VALUES ('many', 1, NOW())",
        "INSERT INTO dirty_applications VALUES (1, 1, '0000-00-00')",
    ] {
        let error = Error::from(conn.batch_execute(statement).await.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Row, "{statement}: {error}");
    }
}

#[tokio::test]
async fn a_wrong_schema_or_statement_is_fatal() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    for statement in [
        "SELEKT 1",
        "SELECT nothing FROM messages",
        "SELECT 1 FROM nowhere",
        "SELECT 1 FROM mysql.nowhere",
        "INSERT INTO dirty_applications VALUES (1, NULL, NOW())",
        "INSERT INTO dirty_applications (application_id) VALUES (1)",
    ] {
        let error = Error::from(conn.batch_execute(statement).await.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Fatal, "{statement}: {error}");
    }
    // A column of a later version: no message is to blame.
    let app = application(conn).await.id;
    db.sql("ALTER TABLE messages ADD later INT NOT NULL").await;
    let error = messages::insert(conn, &[message(app, 1, 1, "sound")]).await.unwrap_err();
    assert_eq!((error.kind(), number_of(&error)), (ErrorKind::Fatal, 1364));
    db.sql("DROP TABLE messages").await;
    let error = messages::find(conn, app, chat_number(1), message_number(1)).await.unwrap_err();
    assert_eq!((error.kind(), number_of(&error)), (ErrorKind::Fatal, 1146));
}

#[tokio::test]
async fn a_wrong_password_or_database_is_fatal_and_a_missing_server_is_not() {
    let db = Database::create().await;
    let cases = [
        (db.settings().url.replacen("//root@", "//root:wrong@", 1), ErrorKind::Fatal, Some(1045)),
        (format!("{}/{}_missing", db.server(), db.name()), ErrorKind::Fatal, Some(1049)),
        ("mysql://root@127.0.0.1:1/chat".to_owned(), ErrorKind::Transient, None),
    ];
    for (url, kind, number) in cases {
        let error = Store::connect(&store::Settings::new(url)).unwrap().acquire().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(number.is_none_or(|number| number_of(&error) == number), "{error:?}");
    }
}

async fn update(conn: &mut Connection, number: u64) -> Result<(), Error> {
    Ok(conn.batch_execute(&format!("UPDATE messages SET version = version + 1 WHERE number = {number}")).await?)
}

/// Two transactions that take two rows in opposite orders. Returns what became of each, after its loser tried to go on.
async fn deadlock(store: &Store, go_on: bool) -> [Result<(), Error>; 2] {
    let both_hold_one = Arc::new(Barrier::new(2));
    let turns = [(1, 2), (2, 1)].map(|(first, second)| {
        let (store, both_hold_one) = (store.clone(), Arc::clone(&both_hold_one));
        tokio::spawn(async move {
            let conn = &mut store.acquire().await?;
            let outcome = transaction(conn, async |conn| {
                update(conn, first).await?;
                both_hold_one.wait().await;
                let outcome = update(conn, second).await;
                // What a careless caller would do: the server would run this outside any transaction.
                if go_on && outcome.is_err() { update(conn, 3).await } else { outcome }
            })
            .await;
            // Either way the connection is good for another transaction.
            transaction(conn, async |conn| update(conn, 4).await).await?;
            outcome
        })
    });
    let [one, two] = turns;
    [one.await.unwrap(), two.await.unwrap()]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_transient_and_ends_the_transaction_for_good() {
    let db = Database::create().await;
    let store = db.store();
    let conn = &mut store.acquire().await.unwrap();
    let app = application(conn).await.id;
    add_messages(conn, app, 1, 1..=4).await;

    let [one, two] = deadlock(&store, false).await;
    let error = one.and(two).unwrap_err();
    assert_eq!((error.kind(), number_of(&error)), (ErrorKind::Transient, 1213));

    let [one, two] = deadlock(&store, true).await;
    let error = one.and(two).unwrap_err();
    assert!(matches!(error, Error::Aborted) && error.kind() == ErrorKind::Transient, "{error:?}");
    assert_eq!(figure(conn, "SELECT version FROM messages WHERE number = 3").await.unwrap(), 1);
    assert_eq!(figure(conn, "SELECT SUM(version) FROM messages WHERE number <= 2").await.unwrap(), 6);
}

#[tokio::test]
async fn a_row_that_stays_locked_is_given_up_in_time() {
    let db = Database::create().await;
    // The server waits for a second, our own deadline comes almost a second later: the server is surely first.
    let store = Store::connect(&store::Settings { statement_timeout_ms: 1_900, ..db.settings() }).unwrap();
    let (holder, conn) = (&mut store.acquire().await.unwrap(), &mut store.acquire().await.unwrap());
    let app = application(conn).await.id;
    add_messages(conn, app, 1, [1]).await;
    transaction(holder, async |holder| {
        update(holder, 1).await?;
        let error =
            messages::edit(conn, app, chat_number(1), message_number(1), &body("new"), Timestamp::now(), any).await.unwrap_err();
        assert_eq!((error.kind(), number_of(&error)), (ErrorKind::Transient, 1205));
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    let edited = messages::edit(conn, app, chat_number(1), message_number(1), &body("new"), Timestamp::now(), any).await;
    assert_eq!(done(edited.unwrap()).version, 3);
}

#[tokio::test]
async fn a_read_only_transaction_is_transient() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    conn.batch_execute("SET SESSION TRANSACTION READ ONLY").await.unwrap();
    let error = update(conn, 1).await.unwrap_err();
    assert_eq!((error.kind(), number_of(&error)), (ErrorKind::Transient, 1792));
}
