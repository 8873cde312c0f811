//! Messages straight into MySQL, by prepared statements of a thousand rows: the limit that the storing of a backlog is held
//! against, and the way by which other parts get a large chat in seconds.

use std::time::{Duration, Instant};

use domain::EventId;
use futures_util::future::try_join_all;
use mysql_async::{Conn, Params, Statement, Value, prelude::Queryable};

/// As many as the consumer stores in one statement, and commits.
const ROWS: usize = 1_000;
const COLUMNS: &str = "(application_id, chat_number, number, body, event_id, created_at, updated_at)";
/// Older than anything that a page waits for.
const MOMENT: Value = Value::Date(2026, 1, 2, 3, 4, 5, 678_000);

/// Where a row belongs: its chat, and its number there.
pub(super) type Place = (u64, u64);

/// A table for bare inserts, made anew: the same as that of messages, and empty.
pub(super) async fn bare_table(conn: &mut Conn) -> anyhow::Result<&'static str> {
    conn.query_drop("DROP TABLE IF EXISTS bare_messages").await?;
    conn.query_drop("CREATE TABLE bare_messages LIKE messages").await?;
    Ok("bare_messages")
}

/// Inserts the rows over all connections at once, each commits its every thousand for itself. How long it took.
pub(super) async fn insert(
    conns: &mut [Conn],
    table: &str,
    application: u64,
    places: &[Place],
    text: impl Fn(Place) -> String,
) -> anyhow::Result<Duration> {
    let share = places.len().div_ceil(conns.len()).max(1);
    let statement = |rows| format!("INSERT INTO {table} {COLUMNS} VALUES {}", placeholders(rows));
    let begun = Instant::now();
    let work = conns.iter_mut().zip(places.chunks(share)).map(async |(conn, places)| {
        let full = conn.prep(statement(ROWS)).await?;
        for places in places.chunks(ROWS) {
            let rows: Vec<Value> = places.iter().flat_map(|place| values(application, *place, text(*place))).collect();
            if places.len() == ROWS {
                execute(conn, &full, rows).await?;
            } else {
                let rest = conn.prep(statement(places.len())).await?;
                execute(conn, &rest, rows).await?;
            }
        }
        anyhow::Ok(())
    });
    try_join_all(work).await?;
    Ok(begun.elapsed())
}

async fn execute(conn: &mut Conn, statement: &Statement, rows: Vec<Value>) -> anyhow::Result<()> {
    Ok(conn.exec_drop(statement, Params::Positional(rows)).await?)
}

fn values(application: u64, (chat, number): Place, body: String) -> [Value; 7] {
    let event = EventId::generate();
    [application.into(), chat.into(), number.into(), body.into(), event.as_bytes().to_vec().into(), MOMENT, MOMENT]
}

fn placeholders(rows: usize) -> String {
    vec!["(?, ?, ?, ?, ?, ?, ?)"; rows].join(", ")
}

/// A chat with its rows, past the queues: an application of its own, its one chat, and so many messages, all of them counted. The
/// application's key and token.
pub(super) async fn chat_of(
    conns: &mut [Conn],
    name: &str,
    messages: u64,
    text: impl Fn(Place) -> String,
) -> anyhow::Result<(u64, String)> {
    let token = format!("{:032x}", u128::from_be_bytes(*EventId::generate().as_bytes()));
    let values = Params::Positional(vec![token.as_str().into(), name.into(), MOMENT, MOMENT]);
    let sql = "INSERT INTO applications (token, name, chats_count, created_at, updated_at) VALUES (?, ?, 1, ?, ?)";
    conns[0].exec_drop(sql, values).await?;
    let application = conns[0].last_insert_id().unwrap_or_default();
    add_chat(&mut conns[0], application, 1, messages).await?;
    let places: Vec<Place> = (1..=messages).map(|number| (1, number)).collect();
    insert(conns, "messages", application, &places, text).await?;
    Ok((application, token))
}

/// A chat's row, with this count.
pub(super) async fn add_chat(conn: &mut Conn, application: u64, chat: u64, messages: u64) -> anyhow::Result<()> {
    let event = EventId::generate().as_bytes().to_vec();
    let values = Params::Positional(vec![application.into(), chat.into(), messages.into(), event.into(), MOMENT, MOMENT]);
    let sql =
        "INSERT INTO chats (application_id, number, messages_count, event_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)";
    Ok(conn.exec_drop(sql, values).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_value_for_each_placeholder_and_column() {
        let marks = placeholders(2).matches('?').count();
        assert_eq!(marks, 2 * values(1, (2, 3), "text".to_owned()).len());
        assert_eq!(COLUMNS.matches(',').count() + 1, values(1, (2, 3), String::new()).len());
    }
}
