//! A fresh database for a test, and short ways to fill it.

use std::{env, future::Future, time::Duration};

use diesel::sql_types::{BigInt, Unsigned};
use diesel_async::RunQueryDsl;
use domain::{
    Application, ApplicationId, ApplicationName, ApplicationToken, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp,
};
use events::{ChatCreated, MessageCreated};
use mysql_async::prelude::Queryable;
use store::{
    Connection, Error, ErrorKind, PooledConnection, Settings, Store, Updated, applications, chats, counts, messages, migrate,
};

/// A database that lives as long as this value, and is dropped with it also when the test panics.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    /// A database with the schema.
    pub(crate) async fn create() -> Self {
        let database = Self::nameless();
        migrate(&database.settings()).await.unwrap();
        database
    }

    /// The name of a database that does not exist yet.
    pub(crate) fn nameless() -> Self {
        let server = env::var(crate::SERVER).unwrap_or_default();
        assert!(!server.is_empty(), "{} is not set: run the tests with `make test`", crate::SERVER);
        Self { server: server.trim_end_matches('/').to_owned(), name: format!("store_test_{}", uuid::Uuid::new_v4().simple()) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings::new(format!("{}/{}", self.server, self.name))
    }

    pub(crate) fn store(&self) -> Store {
        Store::connect(&self.settings()).unwrap()
    }

    pub(crate) async fn connection(&self) -> PooledConnection {
        self.store().acquire().await.unwrap()
    }

    /// Runs a statement of an operator: DDL, KILL, a trigger.
    pub(crate) async fn sql(&self, statement: &str) {
        let mut driver = mysql_async::Conn::from_url(self.settings().url).await.unwrap();
        driver.query_drop(statement).await.unwrap();
        driver.disconnect().await.unwrap();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // On a thread and a runtime of its own: the test's may be unwinding.
        let (server, statement) = (self.server.clone(), format!("DROP DATABASE IF EXISTS {}", self.name));
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut driver = mysql_async::Conn::from_url(server).await?;
                driver.query_drop(statement).await?;
                driver.disconnect().await
            })?;
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        });
        match dropping.join() {
            Ok(Ok(())) => {}
            other => eprintln!("the database {} was not dropped: {other:?}", self.name),
        }
    }
}

pub(crate) fn chat_number(number: u64) -> ChatNumber {
    ChatNumber::new(number).unwrap()
}

pub(crate) fn message_number(number: u64) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

pub(crate) fn body(text: &str) -> MessageBody {
    MessageBody::new(text).unwrap()
}

/// Whatever version there is may be replaced.
pub(crate) fn any(_: u64) -> bool {
    true
}

/// A moment that is later than whatever was made before.
pub(crate) fn soon() -> Timestamp {
    Timestamp::from_unix_millis(Timestamp::now().to_unix_millis() + 1_000).unwrap()
}

/// What an update that must be done has made.
#[track_caller]
pub(crate) fn done<T: std::fmt::Debug>(updated: Updated<T>) -> T {
    match updated {
        Updated::Done(row) => row,
        other => panic!("not done: {other:?}"),
    }
}

pub(crate) async fn application(conn: &mut Connection) -> Application {
    let token = ApplicationToken::generate().unwrap();
    applications::create(conn, token, &ApplicationName::new("name").unwrap(), Timestamp::now()).await.unwrap()
}

pub(crate) fn chat(application_id: ApplicationId, number: u64) -> ChatCreated {
    ChatCreated {
        event_id: EventId::generate(),
        application_id,
        number: chat_number(number),
        name: None,
        created_at: Timestamp::now(),
        request_id: "request".to_owned(),
        trace: None,
    }
}

pub(crate) fn message(application_id: ApplicationId, chat: u64, number: u64, text: &str) -> MessageCreated {
    MessageCreated {
        event_id: EventId::generate(),
        application_id,
        chat: chat_number(chat),
        number: message_number(number),
        body: body(text),
        created_at: Timestamp::now(),
        request_id: "request".to_owned(),
        trace: None,
    }
}

pub(crate) async fn add_chats(conn: &mut Connection, application_id: ApplicationId, numbers: impl IntoIterator<Item = u64>) {
    let rows: Vec<_> = numbers.into_iter().map(|number| chat(application_id, number)).collect();
    chats::insert(conn, &rows).await.unwrap();
}

pub(crate) async fn add_messages(
    conn: &mut Connection,
    application_id: ApplicationId,
    chat: u64,
    numbers: impl IntoIterator<Item = u64>,
) {
    let rows: Vec<_> =
        numbers.into_iter().map(|number| message(application_id, chat, number, &format!("text {number}"))).collect();
    messages::insert(conn, &rows).await.unwrap();
}

#[derive(diesel::QueryableByName)]
struct Figure {
    #[diesel(sql_type = Unsigned<BigInt>)]
    figure: u64,
}

/// The one number that a query gives.
pub(crate) async fn figure(conn: &mut Connection, expression: &str) -> Result<u64, Error> {
    let sql = format!("SELECT CAST(({expression}) AS UNSIGNED) AS figure");
    Ok(diesel::sql_query(sql).get_result::<Figure>(conn).await?.figure)
}

/// Adds up at most `limit` marks of counts, as the first step of a pass does.
pub(crate) async fn add_up(conn: &mut Connection, limit: u32) -> Result<u64, Error> {
    counts::apply_next(conn, &mut counts::Pass::default(), limit).await
}

/// Repeats `work` while it fails for a transient reason, as every caller of the store does.
pub(crate) async fn repeated<T, F: Future<Output = Result<T, Error>>>(mut work: impl FnMut() -> F) -> T {
    for _ in 0..100 {
        match work().await {
            Ok(value) => return value,
            Err(error) if error.kind() == ErrorKind::Transient => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("a transient failure that does not pass");
}
