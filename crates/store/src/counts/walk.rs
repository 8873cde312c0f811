//! Counts and marks in the order of their keys, for comparisons of everything with everything.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Unsigned},
};
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, ChatNumber, Timestamp};

use crate::{
    Connection, Error,
    schema::{dirty_applications, dirty_chats},
};

/// A chat's count of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatCount {
    /// The chat's application.
    pub application_id: ApplicationId,
    /// The chat.
    pub chat: ChatNumber,
    /// The count that clients see and what the job has yet to add to it.
    pub messages: u64,
}

/// An application's count of chats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApplicationCount {
    /// The application.
    pub application_id: ApplicationId,
    /// The count that clients see and what the job has yet to add to it.
    pub chats: u64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Unsigned<BigInt>)]
    application_id: u64,
    #[diesel(sql_type = Unsigned<BigInt>)]
    number: u64,
    #[diesel(sql_type = Unsigned<BigInt>)]
    counted: u64,
}

/// At most `limit` chats behind this key (0 is before the first), of one application or of all.
///
/// # Errors
/// [`Error`].
pub async fn chats_behind(
    conn: &mut Connection,
    after: (u64, u64),
    application: Option<ApplicationId>,
    limit: u32,
) -> Result<Vec<ChatCount>, Error> {
    // No join: for one the server would read, and sort, all that follows, however few are asked for.
    let select = "SELECT chats.application_id, chats.number, CAST(chats.messages_count + COALESCE(\
           (SELECT dirty_chats.added FROM dirty_chats WHERE dirty_chats.application_id = chats.application_id \
            AND dirty_chats.chat_number = chats.number), 0) AS UNSIGNED) AS counted FROM chats";
    let order = "ORDER BY chats.application_id, chats.number LIMIT ?";
    let rows: Vec<Row> = match application {
        Some(application) => {
            sql_query(format!("{select} WHERE chats.application_id = ? AND chats.number > ? {order}"))
                .bind::<Unsigned<BigInt>, _>(application.get())
                .bind::<Unsigned<BigInt>, _>(if after.0 == application.get() { after.1 } else { 0 })
                .bind::<Unsigned<BigInt>, _>(u64::from(limit))
                .load(conn)
                .await?
        }
        None => {
            let behind = "chats.application_id > ? OR (chats.application_id = ? AND chats.number > ?)";
            sql_query(format!("{select} WHERE {behind} {order}"))
                .bind::<Unsigned<BigInt>, _>(after.0)
                .bind::<Unsigned<BigInt>, _>(after.0)
                .bind::<Unsigned<BigInt>, _>(after.1)
                .bind::<Unsigned<BigInt>, _>(u64::from(limit))
                .load(conn)
                .await?
        }
    };
    let count = |row: Row| {
        let chat = ChatNumber::new(row.number).map_err(Error::corrupt("chats"))?;
        Ok(ChatCount { application_id: ApplicationId::new(row.application_id), chat, messages: row.counted })
    };
    rows.into_iter().map(count).collect()
}

/// At most `limit` applications behind this key, or the one.
///
/// # Errors
/// [`Error`].
pub async fn applications_behind(
    conn: &mut Connection,
    after: u64,
    application: Option<ApplicationId>,
    limit: u32,
) -> Result<Vec<ApplicationCount>, Error> {
    let rows: Vec<Row> = sql_query(
        "SELECT applications.id AS application_id, applications.id AS number, \
           CAST(applications.chats_count + COALESCE((SELECT dirty_applications.added FROM dirty_applications \
            WHERE dirty_applications.application_id = applications.id), 0) AS UNSIGNED) AS counted FROM applications \
         WHERE applications.id > ? AND applications.id BETWEEN ? AND ? ORDER BY applications.id LIMIT ?",
    )
    .bind::<Unsigned<BigInt>, _>(after)
    .bind::<Unsigned<BigInt>, _>(application.map_or(0, ApplicationId::get))
    .bind::<Unsigned<BigInt>, _>(application.map_or(u64::MAX, ApplicationId::get))
    .bind::<Unsigned<BigInt>, _>(u64::from(limit))
    .load(conn)
    .await?;
    let count = |row: Row| ApplicationCount { application_id: ApplicationId::new(row.application_id), chats: row.counted };
    Ok(rows.into_iter().map(count).collect())
}

/// A mark that the count job has not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The application.
    pub application_id: ApplicationId,
    /// The chat whose messages are to be counted; `None` for an application's chats.
    pub chat: Option<u64>,
    /// Since when it waits.
    pub since: Timestamp,
}

/// At most `limit` marks of applications behind this key.
///
/// # Errors
/// [`Error`].
pub async fn application_marks_behind(conn: &mut Connection, after: u64, limit: u32) -> Result<Vec<Mark>, Error> {
    let rows: Vec<(u64, chrono::NaiveDateTime)> = dirty_applications::table
        .filter(dirty_applications::application_id.gt(after))
        .order(dirty_applications::application_id)
        .limit(limit.into())
        .select((dirty_applications::application_id, dirty_applications::since))
        .load(conn)
        .await?;
    let mark = |(application_id, since)| Mark {
        application_id: ApplicationId::new(application_id),
        chat: None,
        since: Timestamp::from_naive_utc(since),
    };
    Ok(rows.into_iter().map(mark).collect())
}

/// At most `limit` marks of chats behind this key.
///
/// # Errors
/// [`Error`].
pub async fn chat_marks_behind(conn: &mut Connection, after: (u64, u64), limit: u32) -> Result<Vec<Mark>, Error> {
    let behind = dirty_chats::application_id
        .gt(after.0)
        .or(dirty_chats::application_id.eq(after.0).and(dirty_chats::chat_number.gt(after.1)));
    let rows: Vec<(u64, u64, chrono::NaiveDateTime)> = dirty_chats::table
        .filter(behind)
        .order((dirty_chats::application_id, dirty_chats::chat_number))
        .limit(limit.into())
        .select((dirty_chats::application_id, dirty_chats::chat_number, dirty_chats::since))
        .load(conn)
        .await?;
    let mark = |(application_id, chat, since)| Mark {
        application_id: ApplicationId::new(application_id),
        chat: Some(chat),
        since: Timestamp::from_naive_utc(since),
    };
    Ok(rows.into_iter().map(mark).collect())
}
