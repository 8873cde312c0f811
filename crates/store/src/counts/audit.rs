//! Whether a count is right, and setting it right. For operators: it reads every row that is counted.
//!
//! # What a recount may rely on
//! A writer marks what it has inserted last, in the transaction of the rows. Whoever holds the mark's row therefore holds up
//! every writer of the chat that has not committed yet, and those that have are counted: until the recount commits, the rows that
//! are visible are exactly those that are to be counted. It takes the mark first and the counted row then, as the job does.

use diesel::{
    OptionalExtension, sql_query,
    sql_types::{BigInt, Datetime, Unsigned},
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use domain::{ApplicationId, ChatNumber, Timestamp};

use crate::{Connection, Error, transaction};

/// Rows that one statement counts: large enough to be quick, small enough for the statement's deadline.
const PIECE: u64 = 50_000;

/// A count, and what it should be, as of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audit {
    /// The count that clients see.
    pub shown: u64,
    /// What the job has yet to add to it.
    pub pending: u64,
    /// The rows that there are.
    pub rows: u64,
}

impl Audit {
    /// Whether the count will be the rows' number when the job has run.
    pub fn is_right(&self) -> bool {
        self.shown + self.pending == self.rows
    }
}

#[derive(diesel::QueryableByName)]
struct Counted {
    #[diesel(sql_type = Unsigned<BigInt>)]
    shown: u64,
    #[diesel(sql_type = Unsigned<BigInt>)]
    pending: u64,
}

#[derive(diesel::QueryableByName)]
struct Piece {
    #[diesel(sql_type = Unsigned<BigInt>)]
    counted: u64,
    #[diesel(sql_type = Unsigned<BigInt>)]
    last: u64,
}

/// The chat's count of messages beside its messages, as of one moment, whoever writes meanwhile; `None` when there is no such
/// chat.
///
/// # Errors
/// [`Error`].
pub async fn audit_chat(conn: &mut Connection, application: ApplicationId, chat: ChatNumber) -> Result<Option<Audit>, Error> {
    in_one_moment(conn, async |conn| {
        let counted: Option<Counted> = sql_query(
            "SELECT chats.messages_count AS shown, CAST(COALESCE(dirty_chats.added, 0) AS UNSIGNED) AS pending FROM chats LEFT JOIN dirty_chats \
             ON dirty_chats.application_id = chats.application_id AND dirty_chats.chat_number = chats.number \
             WHERE chats.application_id = ? AND chats.number = ?",
        )
        .bind::<Unsigned<BigInt>, _>(application.get())
        .bind::<Unsigned<BigInt>, _>(chat.get())
        .get_result(conn)
        .await
        .optional()?;
        let Some(Counted { shown, pending }) = counted else { return Ok(None) };
        Ok(Some(Audit { shown, pending, rows: messages_of(conn, application, chat).await? }))
    })
    .await
}

/// The application's count of chats beside its chats, as of one moment; `None` when there is no such application.
///
/// # Errors
/// [`Error`].
pub async fn audit_application(conn: &mut Connection, application: ApplicationId) -> Result<Option<Audit>, Error> {
    in_one_moment(conn, async |conn| {
        let counted: Option<Counted> = sql_query(
            "SELECT applications.chats_count AS shown, CAST(COALESCE(dirty_applications.added, 0) AS UNSIGNED) AS pending FROM applications \
             LEFT JOIN dirty_applications ON dirty_applications.application_id = applications.id WHERE applications.id = ?",
        )
        .bind::<Unsigned<BigInt>, _>(application.get())
        .get_result(conn)
        .await
        .optional()?;
        let Some(Counted { shown, pending }) = counted else { return Ok(None) };
        Ok(Some(Audit { shown, pending, rows: chats_of(conn, application).await? }))
    })
    .await
}

/// Sets the chat's count to the number of its messages, and takes its mark. Writers of the chat wait meanwhile.
///
/// # Errors
/// [`Error`]. Nothing is half done: the call can be repeated.
pub async fn recount_chat(
    conn: &mut Connection,
    application: ApplicationId,
    chat: ChatNumber,
    now: Timestamp,
) -> Result<(), Error> {
    transaction(conn, async |conn| {
        sql_query(
            "INSERT INTO dirty_chats (application_id, chat_number, added, since) VALUES (?, ?, 0, ?) \
             ON DUPLICATE KEY UPDATE added = added",
        )
        .bind::<Unsigned<BigInt>, _>(application.get())
        .bind::<Unsigned<BigInt>, _>(chat.get())
        .bind::<Datetime, _>(now.to_naive_utc())
        .execute(conn)
        .await?;
        let rows = messages_of(conn, application, chat).await?;
        for sql in [
            "UPDATE chats SET messages_count = ? WHERE application_id = ? AND number = ?",
            "DELETE FROM dirty_chats WHERE ? >= 0 AND application_id = ? AND chat_number = ?",
        ] {
            sql_query(sql)
                .bind::<Unsigned<BigInt>, _>(rows)
                .bind::<Unsigned<BigInt>, _>(application.get())
                .bind::<Unsigned<BigInt>, _>(chat.get())
                .execute(conn)
                .await?;
        }
        Ok(())
    })
    .await
}

/// Sets the application's count to the number of its chats, and takes its mark. Writers of new chats wait meanwhile.
///
/// # Errors
/// [`Error`]. Nothing is half done: the call can be repeated.
pub async fn recount_application(conn: &mut Connection, application: ApplicationId, now: Timestamp) -> Result<(), Error> {
    transaction(conn, async |conn| {
        sql_query(
            "INSERT INTO dirty_applications (application_id, added, since) VALUES (?, 0, ?) \
             ON DUPLICATE KEY UPDATE added = added",
        )
        .bind::<Unsigned<BigInt>, _>(application.get())
        .bind::<Datetime, _>(now.to_naive_utc())
        .execute(conn)
        .await?;
        let rows = chats_of(conn, application).await?;
        for sql in [
            "UPDATE applications SET chats_count = ? WHERE id = ?",
            "DELETE FROM dirty_applications WHERE ? >= 0 AND application_id = ?",
        ] {
            sql_query(sql).bind::<Unsigned<BigInt>, _>(rows).bind::<Unsigned<BigInt>, _>(application.get()).execute(conn).await?;
        }
        Ok(())
    })
    .await
}

/// Runs reads that all see the tables as they were at the first of them.
async fn in_one_moment<T>(
    conn: &mut Connection,
    reads: impl AsyncFnOnce(&mut Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    // Holds for the next transaction alone.
    conn.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
    transaction(conn, reads).await
}

async fn messages_of(conn: &mut Connection, application: ApplicationId, chat: ChatNumber) -> Result<u64, Error> {
    rows_in_pieces(conn, "messages WHERE application_id = ? AND chat_number = ?", &[application.get(), chat.get()]).await
}

async fn chats_of(conn: &mut Connection, application: ApplicationId) -> Result<u64, Error> {
    rows_in_pieces(conn, "chats WHERE application_id = ?", &[application.get()]).await
}

/// Counts rows by their numbers, piece by piece: no statement takes long. `of` names the table and picks rows, by these values.
async fn rows_in_pieces(conn: &mut Connection, of: &'static str, values: &[u64]) -> Result<u64, Error> {
    let statement = format!(
        "SELECT CAST(COUNT(*) AS UNSIGNED) AS counted, CAST(COALESCE(MAX(number), 0) AS UNSIGNED) AS last FROM \
           (SELECT number FROM {of} AND number > ? ORDER BY number LIMIT ?) AS piece",
    );
    let (mut rows, mut after) = (0, 0);
    loop {
        let bound =
            values.iter().fold(sql_query(&statement).into_boxed(), |query, value| query.bind::<Unsigned<BigInt>, _>(*value));
        let piece: Piece = bound.bind::<Unsigned<BigInt>, _>(after).bind::<Unsigned<BigInt>, _>(PIECE).get_result(conn).await?;
        rows += piece.counted;
        after = piece.last;
        if piece.counted < PIECE {
            return Ok(rows);
        }
    }
}
