//! Batches: all or nothing, however many statements they take.

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use domain::MAX_BODY_CHARS;
use store::{Connection, Error, ErrorKind, Settings, Store, messages, transaction};

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

/// Taken for a connection that was lost, it would be tried again for ever.
#[tokio::test]
async fn a_statement_above_what_the_server_takes_is_the_rows_fault_and_fewer_of_them_are_stored() {
    let db = Database::create().await;
    let url = format!("{}?max_allowed_packet=65536", db.settings().url);
    let store = Store::connect(&Settings::new(url)).unwrap();
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    let text = "🦀".repeat(7_500);
    let rows: Vec<_> = (1..=4).map(|number| message(app, 1, number, &text)).collect();
    let mut limited = store.acquire().await.unwrap();
    let error = transaction(&mut limited, async |conn| messages::insert(conn, &rows).await).await.unwrap_err();
    assert!(matches!(error, Error::Server { number: 1153, .. }) && error.kind() == ErrorKind::Row, "{error:?}");
    drop(limited);
    for rows in rows.chunks(2) {
        messages::insert(&mut store.acquire().await.unwrap(), rows).await.unwrap();
    }
    assert_eq!(figure(conn, STORED).await.unwrap(), 4);
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

#[derive(diesel::QueryableByName)]
struct Status {
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

/// How many statements this session has had prepared so far.
async fn prepared(conn: &mut Connection) -> u64 {
    let asked = diesel::sql_query("SHOW SESSION STATUS LIKE 'Com_stmt_prepare'").get_result::<Status>(conn).await;
    asked.unwrap().value.parse().unwrap()
}

#[tokio::test]
async fn batches_of_any_size_are_stored_by_statements_that_are_prepared_once() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    let mut chat = 0;
    let mut store = async |conn: &mut Connection, sizes: Vec<u64>| {
        for rows in sizes {
            chat += 1;
            let batch: Vec<_> = (1..=rows).map(|number| message(app, chat, number, "text")).collect();
            transaction(conn, async |conn| messages::insert(conn, &batch).await).await.unwrap();
        }
    };

    let start = prepared(conn).await;
    // To ask is to have the question prepared.
    let question = prepared(conn).await - start;
    let all_sizes: Vec<u64> = (1..20).chain((20..200).step_by(20)).chain((200..=1_000).step_by(200)).collect();
    let kept = all_sizes.len() as u64;
    store(conn, all_sizes).await;
    let warm = prepared(conn).await;
    assert_eq!(warm - start - 2 * question, kept, "one for each size");

    let any_sizes = vec![1, 8, 9, 21, 50, 99, 100, 150, 199, 217, 347, 501, 640, 777, 960, 999, 1_000, 1_001, 2_500];
    let rows: u64 = any_sizes.iter().sum();
    let before = figure(conn, STORED).await.unwrap();
    let warm = prepared(conn).await;
    for _ in 0..2 {
        store(conn, any_sizes.clone()).await;
    }
    assert_eq!(prepared(conn).await - warm, question, "nothing is prepared anew");
    assert_eq!(figure(conn, STORED).await.unwrap(), before + 2 * rows);
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
