//! The table `chats`: reads and edits here, what batches need in `batch`.

mod batch;
mod list;

use chrono::NaiveDateTime;
use diesel::{
    OptionalExtension,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Unsigned},
};
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, ApplicationToken, Chat, ChatName, ChatNumber, Timestamp};

pub use self::{
    batch::{existing, insert, stored_events},
    list::list,
};
use crate::{
    Connection, Error, Lookup, Updated,
    schema::{applications, chats},
    transaction,
};

const TABLE: &str = "chats";

#[derive(Queryable, Selectable)]
#[diesel(table_name = chats, check_for_backend(diesel::mysql::Mysql))]
struct Row {
    number: u64,
    name: Option<String>,
    messages_count: u64,
    version: u64,
    created_at: NaiveDateTime,
    updated_at: NaiveDateTime,
}

impl TryFrom<Row> for Chat {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            number: ChatNumber::new(row.number).map_err(Error::corrupt(TABLE))?,
            name: row.name.map(ChatName::new).transpose().map_err(Error::corrupt(TABLE))?,
            messages_count: row.messages_count,
            version: row.version,
            created_at: Timestamp::from_naive_utc(row.created_at),
            updated_at: Timestamp::from_naive_utc(row.updated_at),
        })
    }
}

/// The chat with this number.
///
/// # Errors
/// [`Error`].
pub async fn find(conn: &mut Connection, application_id: ApplicationId, number: ChatNumber) -> Result<Option<Chat>, Error> {
    let row = chats::table.find((application_id.get(), number.get())).select(Row::as_select()).first(conn).await.optional()?;
    row.map(Chat::try_from).transpose()
}

/// The chat with this number in the application with this token, in one query.
///
/// # Errors
/// [`Error`].
pub async fn find_by_token(conn: &mut Connection, token: ApplicationToken, number: ChatNumber) -> Result<Lookup<Chat>, Error> {
    let this_chat = chats::application_id.eq(applications::id).and(chats::number.eq(number.get()));
    let row = applications::table
        .left_join(chats::table.on(this_chat))
        .filter(applications::token.eq(token.to_string()))
        .select((applications::id, Option::<Row>::as_select()))
        .first(conn)
        .await
        .optional()?;
    Lookup::of_row(row, Chat::try_from)
}

/// Where a chat's messages are found, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The chat's application.
    pub application_id: ApplicationId,
    /// Messages stored at the last count; lags by at most the count job's interval.
    pub messages_count: u64,
}

/// Where the messages of the chat with this number are, in one query.
///
/// # Errors
/// [`Error`].
pub async fn locate(conn: &mut Connection, token: ApplicationToken, number: ChatNumber) -> Result<Lookup<Place>, Error> {
    let this_chat = chats::application_id.eq(applications::id).and(chats::number.eq(number.get()));
    let row: Option<(u64, Option<u64>)> = applications::table
        .left_join(chats::table.on(this_chat))
        .filter(applications::token.eq(token.to_string()))
        .select((applications::id, chats::messages_count.nullable()))
        .first(conn)
        .await
        .optional()?;
    Ok(match row.map(|(id, count)| (ApplicationId::new(id), count)) {
        None => Lookup::NoApplication,
        Some((application_id, None)) => Lookup::Missing(application_id),
        Some((application_id, Some(messages_count))) => Lookup::Found(Place { application_id, messages_count }),
    })
}

/// Gives the chat another name, or none, if the version that it has `may` be replaced.
///
/// # Errors
/// [`Error`].
pub async fn rename(
    conn: &mut Connection,
    application_id: ApplicationId,
    number: ChatNumber,
    name: Option<&ChatName>,
    now: Timestamp,
    may: impl Fn(u64) -> bool,
) -> Result<Updated<Chat>, Error> {
    let key = (application_id.get(), number.get());
    transaction(conn, async |conn| {
        let row: Option<Row> = chats::table.find(key).select(Row::as_select()).for_update().first(conn).await.optional()?;
        let Some(before) = row.map(Chat::try_from).transpose()? else { return Ok(Updated::Missing) };
        if !may(before.version) {
            return Ok(Updated::Refused);
        }
        // Here, where the row is locked: `now` was looked up before, maybe by another machine's clock.
        let updated_at = now.after(before.updated_at);
        let after = Chat { name: name.cloned(), version: before.version + 1, updated_at, ..before };
        diesel::update(chats::table.find(key))
            .set((
                chats::name.eq(after.name.as_ref().map(ChatName::as_str)),
                chats::version.eq(after.version),
                chats::updated_at.eq(updated_at.to_naive_utc()),
            ))
            .execute(conn)
            .await?;
        Ok(Updated::Done(after))
    })
    .await
}

#[derive(QueryableByName)]
struct Highest {
    #[diesel(sql_type = Unsigned<BigInt>)]
    highest: u64,
}

/// The highest chat number of the application that is known to have been given: stored, or in `dead_letters` (there also as the
/// chat of a message, which was given before it). 0 when there is none. One statement, so one moment's view of both tables.
///
/// # Errors
/// [`Error`].
pub async fn highest(conn: &mut Connection, application_id: ApplicationId) -> Result<u64, Error> {
    let row: Highest = sql_query(
        "SELECT GREATEST(\
           COALESCE((SELECT MAX(number) FROM chats WHERE application_id = ?), 0), \
           COALESCE((SELECT MAX(chat_number) FROM dead_letters WHERE application_id = ?), 0)) AS highest",
    )
    .bind::<Unsigned<BigInt>, _>(application_id.get())
    .bind::<Unsigned<BigInt>, _>(application_id.get())
    .get_result(conn)
    .await?;
    Ok(row.highest)
}
