//! The table `messages`: reads here, pages in `list`, edits in `edit`, what batches need in `batch`, all of it in order in
//! `walk`.

mod batch;
mod edit;
mod list;
mod walk;

use chrono::NaiveDateTime;
use diesel::{
    OptionalExtension,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Unsigned},
};
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, ApplicationToken, ChatNumber, Message, MessageBody, MessageNumber, Timestamp};

pub use self::{
    batch::{Documents, Key, documents, first_within, insert, stored_events},
    edit::edit,
    list::{list, scan, scan_back},
    walk::{Place, Version, estimate, is_empty, walk, walk_versions},
};
use crate::{
    Connection, Error, Lookup,
    schema::{applications, messages},
};

const TABLE: &str = "messages";

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages, check_for_backend(diesel::mysql::Mysql))]
struct Row {
    number: u64,
    body: String,
    version: u64,
    created_at: NaiveDateTime,
    updated_at: NaiveDateTime,
}

impl Row {
    /// The message, or which row it is that holds none.
    fn message(self, application_id: u64, chat: u64) -> Result<Message, Error> {
        let number = self.number;
        self.try_into().map_err(|error: Error| error.at(format_args!("{application_id}/{chat}/{number}")))
    }
}

impl TryFrom<Row> for Message {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            number: MessageNumber::new(row.number).map_err(Error::corrupt(TABLE))?,
            body: MessageBody::new(row.body).map_err(Error::corrupt(TABLE))?,
            version: row.version,
            created_at: Timestamp::from_naive_utc(row.created_at),
            updated_at: Timestamp::from_naive_utc(row.updated_at),
        })
    }
}

/// The message with this number.
///
/// # Errors
/// [`Error`].
pub async fn find(
    conn: &mut Connection,
    application_id: ApplicationId,
    chat: ChatNumber,
    number: MessageNumber,
) -> Result<Option<Message>, Error> {
    let row = messages::table
        .find((application_id.get(), chat.get(), number.get()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(Message::try_from).transpose()
}

/// The message with this number in the application with this token, in one query. [`Lookup::Missing`] does not tell whether the
/// chat is there.
///
/// # Errors
/// [`Error`].
pub async fn find_by_token(
    conn: &mut Connection,
    token: ApplicationToken,
    chat: ChatNumber,
    number: MessageNumber,
) -> Result<Lookup<Message>, Error> {
    let this_message = messages::application_id
        .eq(applications::id)
        .and(messages::chat_number.eq(chat.get()))
        .and(messages::number.eq(number.get()));
    let row = applications::table
        .left_join(messages::table.on(this_message))
        .filter(applications::token.eq(token.to_string()))
        .select((applications::id, Option::<Row>::as_select()))
        .first(conn)
        .await
        .optional()?;
    Lookup::of_row(row, Message::try_from)
}

/// Those of these messages that are stored, by number. At most a thousand at a time.
///
/// # Errors
/// [`Error`].
pub async fn by_numbers(
    conn: &mut Connection,
    application_id: ApplicationId,
    chat: ChatNumber,
    numbers: &[MessageNumber],
) -> Result<Vec<Message>, Error> {
    let rows: Vec<Row> = messages::table
        .filter(messages::application_id.eq(application_id.get()))
        .filter(messages::chat_number.eq(chat.get()))
        .filter(messages::number.eq_any(numbers.iter().map(|number| number.get())))
        .order(messages::number)
        .select(Row::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(Message::try_from).collect()
}

#[derive(QueryableByName)]
struct Figure {
    #[diesel(sql_type = Unsigned<BigInt>)]
    figure: u64,
}

/// The highest message number of the chat that is known to have been given: stored, or in `dead_letters`. 0 when there is none.
/// One statement, so one moment's view of both tables.
///
/// # Errors
/// [`Error`].
pub async fn highest(conn: &mut Connection, application_id: ApplicationId, chat: ChatNumber) -> Result<u64, Error> {
    let row: Figure = sql_query(
        "SELECT GREATEST(\
           COALESCE((SELECT MAX(number) FROM messages WHERE application_id = ? AND chat_number = ?), 0), \
           COALESCE((SELECT MAX(message_number) FROM dead_letters WHERE application_id = ? AND chat_number = ?), 0)) AS figure",
    )
    .bind::<Unsigned<BigInt>, _>(application_id.get())
    .bind::<Unsigned<BigInt>, _>(chat.get())
    .bind::<Unsigned<BigInt>, _>(application_id.get())
    .bind::<Unsigned<BigInt>, _>(chat.get())
    .get_result(conn)
    .await?;
    Ok(row.figure)
}

/// How many messages the chat holds, counted no further than `limit`.
///
/// # Errors
/// [`Error`].
pub async fn count_up_to(
    conn: &mut Connection,
    application_id: ApplicationId,
    chat: ChatNumber,
    limit: u64,
) -> Result<u64, Error> {
    let row: Figure = sql_query(
        "SELECT CAST(COUNT(*) AS UNSIGNED) AS figure FROM \
           (SELECT 1 FROM messages WHERE application_id = ? AND chat_number = ? LIMIT ?) AS counted",
    )
    .bind::<Unsigned<BigInt>, _>(application_id.get())
    .bind::<Unsigned<BigInt>, _>(chat.get())
    .bind::<Unsigned<BigInt>, _>(limit)
    .get_result(conn)
    .await?;
    Ok(row.figure)
}
