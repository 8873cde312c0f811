//! What the consumer needs of `chats` to store a batch.

use std::borrow::Borrow;

use diesel::{QueryResult, prelude::*};
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, ChatName, ChatNumber, EventId};
use events::ChatCreated;
use mysql_async::Value;

use super::TABLE;
use crate::{
    Connection, Error,
    insert::{self, InsertRow},
    keys::{InSpans, MAX_SPANS, Span},
    schema::chats,
};

const KEY: (&[&str; 1], &str) = (&["chats.application_id"], "chats.number");

/// A chat's key.
type Key = (ApplicationId, ChatNumber);

impl InsertRow<6> for &ChatCreated {
    const INTO: &'static str = "INSERT INTO chats (application_id, number, name, event_id, created_at, updated_at) VALUES";

    fn size(&self) -> usize {
        64 + self.name.as_ref().map_or(0, |name| name.as_str().len())
    }

    fn values(&self) -> QueryResult<[Value; 6]> {
        let at = insert::moment(self.created_at)?;
        Ok([
            self.application_id.get().into(),
            self.number.get().into(),
            self.name.as_ref().map(ChatName::as_str).into(),
            self.event_id.as_bytes().as_slice().into(),
            at.clone(),
            at,
        ])
    }
}

/// Inserts all of these chats or none. Within a transaction, a failure leaves the transaction usable.
///
/// # Errors
/// [`Error::kind`] is `Duplicate` when any number is taken already: [`stored_events`] tells by whom.
pub async fn insert<T: Borrow<ChatCreated>>(conn: &mut Connection, chats: &[T]) -> Result<(), Error> {
    let rows: Vec<&ChatCreated> = chats.iter().map(Borrow::borrow).collect();
    insert::insert(conn, &rows).await
}

/// Those of these chats that are stored, in the order of their keys.
///
/// # Errors
/// [`Error`].
pub async fn existing(conn: &mut Connection, keys: &[Key]) -> Result<Vec<Key>, Error> {
    let stored = stored_events(conn, keys).await?;
    Ok(stored.into_iter().map(|(key, _)| key).collect())
}

/// Which event wrote each of these numbers that is taken, in the order of the keys.
///
/// # Errors
/// [`Error`].
pub async fn stored_events(conn: &mut Connection, keys: &[Key]) -> Result<Vec<(Key, EventId)>, Error> {
    let spans = Span::cover(keys.iter().map(|(application_id, number)| ([application_id.get()], number.get())));
    let mut stored = Vec::with_capacity(keys.len());
    for spans in spans.chunks(MAX_SPANS) {
        let rows: Vec<(u64, u64, Vec<u8>)> = chats::table
            .filter(InSpans { columns: KEY, spans })
            .order((chats::application_id, chats::number))
            .select((chats::application_id, chats::number, chats::event_id))
            .load(conn)
            .await?;
        for (application_id, number, event_id) in rows {
            let number = ChatNumber::new(number).map_err(Error::corrupt(TABLE))?;
            stored.push(((ApplicationId::new(application_id), number), crate::event_id(TABLE, &event_id)?));
        }
    }
    Ok(stored)
}
