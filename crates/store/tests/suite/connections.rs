//! Connections: deadlines, lost ones, abandoned ones, and a pool that never lends a bad one.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use store::{Connection, Error, ErrorKind, Settings, Store, messages, transaction};
use tokio::time::timeout;

use super::support::{Database, add_messages, application, figure, message};

async fn id(conn: &mut Connection) -> u64 {
    figure(conn, "CONNECTION_ID()").await.unwrap()
}

/// A store of one connection, so that whoever asks next gets the one that was given back.
fn single(db: &Database, statement_timeout_ms: u64) -> Store {
    let settings = Settings { pool_size: 1, acquire_timeout_ms: 700, statement_timeout_ms, ..db.settings() };
    Store::connect(&settings).unwrap()
}

#[tokio::test]
async fn a_connection_is_used_again_and_its_session_is_set_up() {
    let db = Database::create().await;
    let store = single(&db, 2_500);
    let first = id(&mut store.acquire().await.unwrap()).await;
    let conn = &mut store.acquire().await.unwrap();
    assert_eq!(id(conn).await, first);
    for (variable, expected) in [
        ("@@SESSION.time_zone = '+00:00'", 1),
        ("@@SESSION.character_set_client = 'utf8mb4'", 1),
        ("@@SESSION.innodb_lock_wait_timeout", 2),
        ("@@SESSION.sql_mode LIKE '%STRICT_ALL_TABLES%'", 1),
        ("@@SESSION.wait_timeout", 30),
    ] {
        assert_eq!(figure(conn, variable).await.unwrap(), expected, "{variable}");
    }
    // MariaDB and MySQL name the isolation differently.
    let isolation = figure(conn, "@@SESSION.transaction_isolation = 'READ-COMMITTED'").await;
    let isolation = match isolation {
        Ok(isolation) => isolation,
        Err(_) => figure(conn, "@@SESSION.tx_isolation = 'READ-COMMITTED'").await.unwrap(),
    };
    assert_eq!(isolation, 1);
}

#[tokio::test]
async fn a_read_that_takes_too_long_is_ended_by_the_server_and_the_connection_lives() {
    let db = Database::create().await;
    let store = single(&db, 500);
    let conn = &mut store.acquire().await.unwrap();
    let app = application(conn).await.id;
    add_messages(conn, app, 1, 1..=1_000).await;
    let (before, started) = (id(conn).await, Instant::now());
    let endless = "SELECT COUNT(*) FROM messages a, messages b, messages c WHERE a.body <> b.body OR b.body <> c.body";
    let error = figure(conn, endless).await.unwrap_err();
    assert!(matches!(error, Error::Server { number: 3024 | 1969, .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(id(conn).await, before);
}

/// MariaDB ends it, on MySQL our own deadline does: either way whoever stores may try it with fewer rows.
#[tokio::test]
async fn an_insert_that_takes_too_long_is_told_as_such() {
    let db = Database::create().await;
    db.sql("CREATE TRIGGER slow BEFORE INSERT ON messages FOR EACH ROW DO SLEEP(0.02)").await;
    let store = single(&db, 500);
    let conn = &mut store.acquire().await.unwrap();
    let app = application(conn).await.id;
    let rows = |numbers: std::ops::RangeInclusive<u64>| numbers.map(|number| message(app, 1, number, "text")).collect::<Vec<_>>();
    let error = messages::insert(conn, &rows(1..=100)).await.unwrap_err();
    assert!(error.took_too_long() && error.kind() == ErrorKind::Transient, "{error:?}");
    // Others than those that the server may be busy with still.
    messages::insert(&mut single(&db, 500).acquire().await.unwrap(), &rows(201..=205)).await.unwrap();
}

#[tokio::test]
async fn a_statement_that_the_server_does_not_end_costs_its_connection() {
    let db = Database::create().await;
    let store = single(&db, 500);
    let mut conn = store.acquire().await.unwrap();
    let before = id(&mut conn).await;
    // So that MariaDB, which limits every statement, lets it pass as MySQL does.
    let _ = conn.batch_execute("SET max_statement_time = 0").await;
    let started = Instant::now();
    let error = Error::from(conn.batch_execute("DO SLEEP(20)").await.unwrap_err());
    assert!(matches!(error, Error::Deadline) && error.kind() == ErrorKind::Transient, "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(matches!(figure(&mut conn, "1").await, Err(Error::Unusable)));
    drop(conn);
    assert_ne!(id(&mut store.acquire().await.unwrap()).await, before);
}

#[tokio::test]
async fn an_abandoned_statement_never_answers_the_next_caller() {
    let db = Database::create().await;
    let store = single(&db, 2_500);
    let mut conn = store.acquire().await.unwrap();
    let before = id(&mut conn).await;
    assert!(timeout(Duration::from_millis(100), figure(&mut conn, "SLEEP(1) + 41")).await.is_err());
    assert!(matches!(figure(&mut conn, "1").await, Err(Error::Unusable)));
    drop(conn);
    let mut conn = store.acquire().await.unwrap();
    assert_ne!(id(&mut conn).await, before);
    assert_eq!(figure(&mut conn, "7").await.unwrap(), 7);
}

#[tokio::test]
async fn an_abandoned_transaction_is_rolled_back() {
    let db = Database::create().await;
    let store = single(&db, 2_500);
    let mut conn = store.acquire().await.unwrap();
    let app = application(&mut conn).await.id;
    let endless = transaction(&mut conn, async |conn| {
        add_messages(conn, app, 1, [1]).await;
        std::future::pending::<Result<(), Error>>().await
    });
    assert!(timeout(Duration::from_millis(500), endless).await.is_err());
    drop(conn);
    let mut conn = store.acquire().await.unwrap();
    assert_eq!(figure(&mut conn, "SELECT COUNT(*) FROM messages").await.unwrap(), 0);
    add_messages(&mut conn, app, 1, [1]).await;
}

#[tokio::test]
async fn an_abandoned_transaction_gives_its_locks_back_before_anybody_asks_for_its_connection() {
    let db = Database::create().await;
    let (store, other) = (single(&db, 2_500), single(&db, 2_500));
    let mut conn = store.acquire().await.unwrap();
    let app = application(&mut conn).await.id;
    let slow = transaction(&mut conn, async |conn| {
        add_messages(conn, app, 1, [1]).await;
        figure(conn, "SLEEP(1)").await
    });
    assert!(timeout(Duration::from_millis(500), slow).await.is_err());
    drop(conn);
    // Waits for the lock for two seconds at most, as every session does.
    add_messages(&mut other.acquire().await.unwrap(), app, 1, [1]).await;
}

#[tokio::test]
async fn a_killed_connection_is_transient_and_the_next_one_works() {
    let db = Database::create().await;
    let store = single(&db, 2_500);
    let mut conn = store.acquire().await.unwrap();
    let victim = id(&mut conn).await;
    db.sql(&format!("KILL {victim}")).await;
    let error = figure(&mut conn, "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient, "{error:?}");
    // MariaDB says goodbye first; only then is the line found dead.
    if matches!(error, Error::Server { .. }) {
        assert_eq!(figure(&mut conn, "1").await.unwrap_err().kind(), ErrorKind::Transient);
    }
    drop(conn);
    assert_ne!(id(&mut store.acquire().await.unwrap()).await, victim);
}

#[tokio::test]
async fn a_connection_that_died_while_unused_is_not_lent() {
    let db = Database::create().await;
    let store = single(&db, 2_500);
    let victim = id(&mut store.acquire().await.unwrap()).await;
    db.sql(&format!("KILL {victim}")).await;
    // Longer than an unused connection is trusted without a look.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_ne!(id(&mut store.acquire().await.unwrap()).await, victim);
    store.ping().await.unwrap();
}

/// As a primary answers that was deposed and did not close its clients' connections: only whoever connects anew comes to its
/// successor.
#[tokio::test]
async fn a_connection_that_takes_no_writes_is_not_lent_again() {
    let db = Database::create().await;
    let store = single(&db, 2_500);
    for in_transaction in [false, true] {
        let mut conn = store.acquire().await.unwrap();
        let (app, refusing) = (application(&mut conn).await.id, id(&mut conn).await);
        conn.batch_execute("SET SESSION TRANSACTION READ ONLY").await.unwrap();
        let rows = [message(app, 1, 1, "text")];
        let outcome = if in_transaction {
            transaction(&mut conn, async |conn| messages::insert(conn, &rows).await).await
        } else {
            messages::insert(&mut conn, &rows).await
        };
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Server { number: 1792, .. }) && error.kind() == ErrorKind::Transient, "{error:?}");
        drop(conn);
        let mut conn = store.acquire().await.unwrap();
        assert_ne!(id(&mut conn).await, refusing);
        messages::insert(&mut conn, &rows).await.unwrap();
    }
}

#[tokio::test]
async fn an_exhausted_pool_says_so_in_time() {
    let db = Database::create().await;
    let store = single(&db, 2_500);
    let held = store.acquire().await.unwrap();
    let started = Instant::now();
    let error = store.acquire().await.unwrap_err();
    assert!(matches!(error, Error::PoolExhausted) && error.kind() == ErrorKind::Transient, "{error:?}");
    assert!((600..2_400).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    // The server is there all the same.
    let started = Instant::now();
    store.ping().await.unwrap();
    assert!(started.elapsed().as_millis() < 600, "the sign of life waited for the pool: {:?}", started.elapsed());
    drop(held);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("mysql://root@{}/chat", silent.local_addr().unwrap());
    let settings = Settings { connect_timeout_ms: 300, ..Settings::new(url) };
    let started = Instant::now();
    let error = Store::connect(&settings).unwrap().acquire().await.unwrap_err();
    assert!(matches!(error, Error::Deadline), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn connections_outlive_the_runtime_that_asked_for_them() {
    let main = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let db = main.block_on(Database::create());
    let store = main.block_on(async { single(&db, 2_500) });
    // Like an HTTP worker that opens the connection and goes away.
    let worker = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = worker.block_on(async { id(&mut store.acquire().await.unwrap()).await });
    drop(worker);
    let second = main.block_on(async { id(&mut store.acquire().await.unwrap()).await });
    assert_eq!(second, first);
}
