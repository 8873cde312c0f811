//! What the consumer needs of `messages` to store and index a batch.

use std::borrow::Borrow;

use diesel::{
    OptionalExtension, QueryResult,
    deserialize::FromSqlRow,
    mysql::Mysql,
    prelude::*,
    row::Row as _,
    sql_types::{BigInt, Datetime, Text, Unsigned},
};
use diesel_async::{AsyncConnectionCore, RunQueryDsl};
use domain::{ApplicationId, ChatNumber, EventId, Message, MessageNumber};
use events::MessageCreated;
use futures_util::TryStreamExt;
use mysql_async::Value;

use super::{Row, TABLE};
use crate::{
    Connection, Error, Range,
    insert::{self, InsertRow},
    keys::{InSpans, MAX_SPANS, Span},
    row,
    schema::messages,
};

type Number = Unsigned<BigInt>;

const KEY: (&[&str; 2], &str) = (&["messages.application_id", "messages.chat_number"], "messages.number");

/// A message's key.
pub type Key = (ApplicationId, ChatNumber, MessageNumber);

impl InsertRow<7> for &MessageCreated {
    const INTO: &'static str =
        "INSERT INTO messages (application_id, chat_number, number, body, event_id, created_at, updated_at) VALUES";

    fn size(&self) -> usize {
        80 + self.body.as_str().len()
    }

    fn values(&self) -> QueryResult<[Value; 7]> {
        let at = insert::moment(self.created_at)?;
        Ok([
            self.application_id.get().into(),
            self.chat.get().into(),
            self.number.get().into(),
            self.body.as_str().into(),
            self.event_id.as_bytes().as_slice().into(),
            at.clone(),
            at,
        ])
    }
}

/// Inserts all of these messages or none. Within a transaction, a failure leaves the transaction usable.
///
/// # Errors
/// [`Error::kind`] is `Duplicate` when any number is taken already: [`stored_events`] tells by whom.
pub async fn insert<T: Borrow<MessageCreated>>(conn: &mut Connection, messages: &[T]) -> Result<(), Error> {
    let rows: Vec<&MessageCreated> = messages.iter().map(Borrow::borrow).collect();
    insert::insert(conn, &rows).await
}

/// Which event wrote each of these numbers that is taken, in the order of the keys.
///
/// # Errors
/// [`Error`].
pub async fn stored_events(conn: &mut Connection, keys: &[Key]) -> Result<Vec<(Key, EventId)>, Error> {
    let keys = keys.iter().map(|(application_id, chat, number)| ([application_id.get(), chat.get()], number.get()));
    let mut stored = Vec::with_capacity(keys.len());
    for spans in Span::cover(keys).chunks(MAX_SPANS) {
        let rows: Vec<(u64, u64, u64, Vec<u8>)> = messages::table
            .filter(InSpans { columns: KEY, spans })
            .order((messages::application_id, messages::chat_number, messages::number))
            .select((messages::application_id, messages::chat_number, messages::number, messages::event_id))
            .load(conn)
            .await?;
        for (application_id, chat, number, event_id) in rows {
            let chat = ChatNumber::new(chat).map_err(Error::corrupt(TABLE))?;
            let number = MessageNumber::new(number).map_err(Error::corrupt(TABLE))?;
            stored.push(((ApplicationId::new(application_id), chat, number), crate::event_id(TABLE, &event_id)?));
        }
    }
    Ok(stored)
}

/// The lowest number within the range under which a message is stored.
///
/// # Errors
/// [`Error`].
pub async fn first_within(conn: &mut Connection, range: Range) -> Result<Option<MessageNumber>, Error> {
    let first: Option<u64> = messages::table
        .filter(messages::application_id.eq(range.application_id.get()))
        .filter(messages::chat_number.eq(range.chat.get()))
        .filter(messages::number.between(range.first.get(), range.last.get()))
        .order(messages::number)
        .select(messages::number)
        .first(conn)
        .await
        .optional()?;
    first.map(|number| MessageNumber::new(number).map_err(Error::corrupt(TABLE))).transpose()
}

/// Messages as they are now, in the order of their keys.
#[derive(Debug, Default)]
pub struct Documents {
    /// What the search index should hold of them.
    pub messages: Vec<(ApplicationId, ChatNumber, Message)>,
    /// Those whose rows hold what no message may: someone else wrote them, and must mend them.
    pub unreadable: Vec<Key>,
}

/// The messages within these ranges. All are held in memory: the caller bounds the ranges.
///
/// # Errors
/// [`Error`].
pub async fn documents(conn: &mut Connection, ranges: &[Range]) -> Result<Documents, Error> {
    let mut spans: Vec<Span<2>> = ranges.iter().map(Span::from).collect();
    spans.sort_unstable_by_key(|span| (span.prefix, span.first));
    let mut documents = Documents::default();
    for spans in spans.chunks(MAX_SPANS) {
        let query = messages::table
            .filter(InSpans { columns: KEY, spans })
            .order((messages::application_id, messages::chat_number, messages::number))
            .select((
                messages::application_id,
                messages::chat_number,
                messages::number,
                messages::body,
                messages::version,
                messages::created_at,
                messages::updated_at,
            ));
        // Read row by row: to the query builder one that cannot be read would make all of them unreadable.
        let rows: Vec<row::Row> = AsyncConnectionCore::load(conn, query).await?.try_collect().await?;
        for row in &rows {
            let (application_id, chat, number) = columns::<(Number, Number, Number), (u64, u64, u64)>(row, 0..3)?;
            // The keys are those of valid ranges.
            let number = MessageNumber::new(number).map_err(Error::corrupt(TABLE))?;
            let key = (ApplicationId::new(application_id), ChatNumber::new(chat).map_err(Error::corrupt(TABLE))?, number);
            let row = columns::<(Number, Text, Number, Datetime, Datetime), Row>(row, 2..7).map_err(Error::from);
            match row.and_then(Message::try_from) {
                Ok(message) => documents.messages.push((key.0, key.1, message)),
                Err(_) => documents.unreadable.push(key),
            }
        }
    }
    Ok(documents)
}

/// Some of a row's columns, as the query builder reads them.
fn columns<ST, T: FromSqlRow<ST, Mysql>>(row: &row::Row, which: std::ops::Range<usize>) -> QueryResult<T> {
    T::build_from_row(&row.partial_row(which)).map_err(diesel::result::Error::DeserializationError)
}
