//! How operators look at dead letters: lists without payloads, one letter whole, and how many are left to be dealt with.

use std::ops::RangeInclusive;

use diesel::{
    OptionalExtension,
    dsl::sql,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text, Unsigned},
};
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, ChatNumber, Timestamp};
use events::Identity;

use super::{Reason, Resolved, Row, Stored, identity, pieces, reason, whole};
use crate::{Connection, Error, schema::dead_letters};

/// [`unresolved`] counts no further.
pub const MAX_UNRESOLVED: u64 = 10_000;

/// Which letters are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this reason.
    pub reason: Option<Reason>,
    /// Also those that are resolved.
    pub resolved_too: bool,
    /// Only those behind the one with this key.
    pub after: u64,
    /// So many at most.
    pub limit: u32,
}

/// A letter in a list: all but its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The row's key.
    pub id: u64,
    /// Why it could not be stored.
    pub reason: Reason,
    /// More about why.
    pub detail: String,
    /// What could be made out of it.
    pub identity: Identity,
    /// The payload's length in bytes.
    pub payload_bytes: u64,
    /// When it was given up.
    pub created_at: Timestamp,
    /// What became of it.
    pub resolved: Option<Resolved>,
}

#[derive(Queryable)]
struct SummaryRow {
    id: u64,
    reason: String,
    detail: String,
    event_id: Option<Vec<u8>>,
    application_id: Option<u64>,
    chat_number: Option<u64>,
    message_number: Option<u64>,
    created_at: chrono::NaiveDateTime,
    resolution: Option<String>,
    resolved_at: Option<chrono::NaiveDateTime>,
    payload_bytes: u64,
}

impl TryFrom<SummaryRow> for Summary {
    type Error = Error;

    fn try_from(row: SummaryRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            reason: reason(&row.reason)?,
            detail: row.detail,
            identity: identity(row.event_id.as_deref(), row.application_id, row.chat_number, row.message_number)?,
            payload_bytes: row.payload_bytes,
            created_at: Timestamp::from_naive_utc(row.created_at),
            resolved: Resolved::read(row.resolution.as_deref(), row.resolved_at)?,
        })
    }
}

/// The letters that `filter` asks for, oldest first.
///
/// # Errors
/// [`Error`].
pub async fn summaries(conn: &mut Connection, filter: &Filter) -> Result<Vec<Summary>, Error> {
    let mut query = dead_letters::table
        .filter(dead_letters::id.gt(filter.after))
        .order(dead_letters::id)
        .limit(filter.limit.into())
        .select((
            dead_letters::id,
            dead_letters::reason,
            dead_letters::detail,
            dead_letters::event_id,
            dead_letters::application_id,
            dead_letters::chat_number,
            dead_letters::message_number,
            dead_letters::created_at,
            dead_letters::resolution,
            dead_letters::resolved_at,
            sql::<Unsigned<BigInt>>("CAST(LENGTH(payload) AS UNSIGNED)"),
        ))
        .into_boxed();
    if let Some(reason) = filter.reason {
        query = query.filter(dead_letters::reason.eq(reason.as_str()));
    }
    if !filter.resolved_too {
        query = query.filter(dead_letters::resolution.is_null());
    }
    let rows: Vec<SummaryRow> = query.load(conn).await?;
    let mut letters = rows.into_iter().map(Summary::try_from).collect::<Result<Vec<_>, _>>()?;
    for letter in &mut letters {
        letter.payload_bytes = pieces::length(conn, letter.id, letter.payload_bytes).await?;
    }
    Ok(letters)
}

/// The letter with this key.
///
/// # Errors
/// [`Error`].
pub async fn find(conn: &mut Connection, id: u64) -> Result<Option<Stored>, Error> {
    let row: Option<Row> = dead_letters::table.find(id).select(Row::as_select()).first(conn).await.optional()?;
    whole(conn, row).await
}

#[derive(QueryableByName)]
struct Figure {
    #[diesel(sql_type = Unsigned<BigInt>)]
    figure: u64,
}

/// How many letters of this reason nobody has dealt with, of one application or of all; counted no further than
/// [`MAX_UNRESOLVED`], so that it stays cheap when things are bad.
///
/// # Errors
/// [`Error`].
pub async fn unresolved(conn: &mut Connection, reason: Reason, application: Option<ApplicationId>) -> Result<u64, Error> {
    let only = if application.is_some() { "AND application_id = ?" } else { "AND ? = 0" };
    let row: Figure = sql_query(format!(
        "SELECT CAST(COUNT(*) AS UNSIGNED) AS figure FROM \
           (SELECT 1 FROM dead_letters WHERE resolution IS NULL AND reason = ? {only} LIMIT ?) AS counted"
    ))
    .bind::<Text, _>(reason.as_str())
    .bind::<Unsigned<BigInt>, _>(application.map_or(0, ApplicationId::get))
    .bind::<Unsigned<BigInt>, _>(MAX_UNRESOLVED)
    .get_result(conn)
    .await?;
    Ok(row.figure)
}

/// Which of these numbers of a chat's messages are letters', resolved or not, ascending; at most `limit`.
///
/// # Errors
/// [`Error`].
pub async fn messages_between(
    conn: &mut Connection,
    application: ApplicationId,
    chat: ChatNumber,
    numbers: &RangeInclusive<u64>,
    limit: u32,
) -> Result<Vec<u64>, Error> {
    let numbers: Vec<Option<u64>> = dead_letters::table
        .filter(dead_letters::application_id.eq(application.get()))
        .filter(dead_letters::chat_number.eq(chat.get()))
        .filter(dead_letters::message_number.between(*numbers.start(), *numbers.end()))
        .order(dead_letters::message_number)
        .limit(limit.into())
        .select(dead_letters::message_number)
        .load(conn)
        .await?;
    Ok(numbers.into_iter().flatten().collect())
}

/// Which of these numbers of an application's chats are letters' for their own creation, ascending; at most `limit`.
///
/// # Errors
/// [`Error`].
pub async fn chats_between(
    conn: &mut Connection,
    application: ApplicationId,
    numbers: &RangeInclusive<u64>,
    limit: u32,
) -> Result<Vec<u64>, Error> {
    let numbers: Vec<Option<u64>> = dead_letters::table
        .filter(dead_letters::application_id.eq(application.get()))
        .filter(dead_letters::chat_number.between(*numbers.start(), *numbers.end()))
        .filter(dead_letters::message_number.is_null())
        .order(dead_letters::chat_number)
        .limit(limit.into())
        .select(dead_letters::chat_number)
        .load(conn)
        .await?;
    Ok(numbers.into_iter().flatten().collect())
}
