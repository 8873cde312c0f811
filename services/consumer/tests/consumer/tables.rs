//! What a test looks at in MySQL, and breaks there, past the adapter.

use mysql_async::{
    Conn,
    prelude::{FromRow, Queryable},
};

/// A dead letter, as far as tests look at one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dead {
    pub(crate) reason: String,
    pub(crate) detail: String,
    pub(crate) number: Option<u64>,
    pub(crate) payload: Vec<u8>,
}

/// The tables of one test.
pub(crate) struct Tables {
    url: String,
}

impl Tables {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned() }
    }

    pub(crate) async fn run(&self, sql: &str) {
        let mut conn = Conn::from_url(&self.url).await.unwrap();
        conn.query_drop(sql).await.unwrap();
        conn.disconnect().await.unwrap();
    }

    pub(crate) async fn rows<T: FromRow + Send + 'static>(&self, sql: &str) -> Vec<T> {
        let mut conn = Conn::from_url(&self.url).await.unwrap();
        let rows = conn.query(sql).await.unwrap();
        conn.disconnect().await.unwrap();
        rows
    }

    /// The one number that the query answers.
    pub(crate) async fn number(&self, sql: &str) -> u64 {
        self.rows(sql).await[0]
    }

    pub(crate) async fn messages(&self) -> u64 {
        self.number("SELECT COUNT(*) FROM messages").await
    }

    pub(crate) async fn chats(&self) -> u64 {
        self.number("SELECT COUNT(*) FROM chats").await
    }

    pub(crate) async fn outbox(&self) -> u64 {
        self.number("SELECT COUNT(*) FROM search_outbox").await
    }

    pub(crate) async fn dead(&self) -> Vec<Dead> {
        let rows: Vec<(String, String, Option<u64>, Vec<u8>)> =
            self.rows("SELECT reason, detail, message_number, payload FROM dead_letters ORDER BY id").await;
        rows.into_iter().map(|(reason, detail, number, payload)| Dead { reason, detail, number, payload }).collect()
    }

    /// Chats and messages that are counted, or marked to be by the job, which may run at any time.
    pub(crate) async fn counted(&self) -> (u64, u64) {
        let sums = "SELECT CAST((SELECT COALESCE(SUM(chats_count), 0) FROM applications) + (SELECT COALESCE(SUM(added), 0) FROM \
                    dirty_applications) AS UNSIGNED), CAST((SELECT COALESCE(SUM(messages_count), 0) FROM chats) + \
                    (SELECT COALESCE(SUM(added), 0) FROM dirty_chats) AS UNSIGNED)";
        self.rows(sums).await[0]
    }
}
