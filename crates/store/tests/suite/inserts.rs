//! Batches: all or nothing, however many statements they take.

use domain::MAX_BODY_CHARS;
use store::{Error, ErrorKind, messages, transaction};

use super::support::{Database, application, chat_number, figure, message, message_number};

const STORED: &str = "SELECT COUNT(*) FROM messages";

#[tokio::test]
async fn a_batch_of_any_size_is_stored_whole() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    let mut expected = 0;
    for (chat, rows) in (1..).zip([0, 1, 2, 8, 9, 999, 1_000, 1_001, 2_500]) {
        let batch: Vec<_> = (1..=rows).map(|number| message(app, chat, number, "text")).collect();
        messages::insert(conn, &batch).await.unwrap();
        expected += rows;
        assert_eq!(figure(conn, STORED).await.unwrap(), expected, "{rows} rows");
    }
    assert_eq!(messages::highest(conn, app, chat_number(9)).await.unwrap(), 2_500);
}

#[tokio::test]
async fn a_batch_of_the_largest_bodies_is_stored_whole() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    let text = "🦀".repeat(MAX_BODY_CHARS);
    let batch: Vec<_> = (1..=300).map(|number| message(app, 1, number, &text)).collect();
    messages::insert(conn, &batch).await.unwrap();
    assert_eq!(figure(conn, STORED).await.unwrap(), 300);
    assert_eq!(figure(conn, "SELECT SUM(LENGTH(body)) FROM messages").await.unwrap(), 300 * 40_000);
}

#[tokio::test]
async fn a_duplicate_in_a_late_statement_undoes_the_early_ones() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    messages::insert(conn, &[message(app, 1, 2_200, "taken")]).await.unwrap();
    let batch: Vec<_> = (1..=2_500).map(|number| message(app, 1, number, "text")).collect();
    assert_eq!(messages::insert(conn, &batch).await.unwrap_err().kind(), ErrorKind::Duplicate);
    assert_eq!(figure(conn, STORED).await.unwrap(), 1);
}

#[tokio::test]
async fn within_a_transaction_a_duplicate_undoes_its_own_batch_and_nothing_else() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    messages::insert(conn, &[message(app, 1, 2_200, "taken")]).await.unwrap();
    transaction(conn, async |conn| {
        messages::insert(conn, &[message(app, 2, 1, "before")]).await?;
        for rows in [2_200..=2_201, 1..=2_500] {
            let batch: Vec<_> = rows.map(|number| message(app, 1, number, "text")).collect();
            assert_eq!(messages::insert(conn, &batch).await.unwrap_err().kind(), ErrorKind::Duplicate);
            assert_eq!(figure(conn, STORED).await?, 2);
        }
        messages::insert(conn, &[message(app, 2, 2, "after")]).await
    })
    .await
    .unwrap();
    assert_eq!(figure(conn, STORED).await.unwrap(), 3);
    assert!(messages::find(conn, app, chat_number(2), message_number(2)).await.unwrap().is_some());
}

#[tokio::test]
async fn an_error_rolls_the_transaction_back_and_the_connection_stays_good() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    let outcome: Result<(), Error> = transaction(conn, async |conn| {
        messages::insert(conn, &[message(app, 1, 1, "text")]).await?;
        transaction(conn, async |_| Ok(())).await
    })
    .await;
    assert!(matches!(outcome, Err(Error::Nested)), "{outcome:?}");
    assert_eq!(figure(conn, STORED).await.unwrap(), 0);
}
