//! Changes a message, and has the search index told of it.

use diesel::{OptionalExtension, prelude::*};
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, ChatNumber, Message, MessageBody, MessageNumber, Timestamp};

use super::Row;
use crate::{Connection, Error, Range, Updated, outbox, schema::messages, transaction};

/// Gives the message another body, if the version that it has `may` be replaced. The row and its place in the search outbox, due
/// at once, are written together or not at all.
///
/// # Errors
/// [`Error`].
pub async fn edit(
    conn: &mut Connection,
    application_id: ApplicationId,
    chat: ChatNumber,
    number: MessageNumber,
    body: &MessageBody,
    now: Timestamp,
    may: impl Fn(u64) -> bool,
) -> Result<Updated<Message>, Error> {
    let key = (application_id.get(), chat.get(), number.get());
    transaction(conn, async |conn| {
        let row: Option<Row> = messages::table.find(key).select(Row::as_select()).for_update().first(conn).await.optional()?;
        let Some(before) = row.map(Message::try_from).transpose()? else { return Ok(Updated::Missing) };
        if !may(before.version) {
            return Ok(Updated::Refused);
        }
        // Here, where the row is locked: `now` was looked up before, maybe by another machine's clock.
        let updated_at = now.after(before.updated_at);
        let after = Message { body: body.clone(), version: before.version + 1, updated_at, ..before };
        diesel::update(messages::table.find(key))
            .set((
                messages::body.eq(after.body.as_str()),
                messages::version.eq(after.version),
                messages::updated_at.eq(updated_at.to_naive_utc()),
            ))
            .execute(conn)
            .await?;
        outbox::add(conn, &[Range { application_id, chat, first: number, last: number }], now, now).await?;
        Ok(Updated::Done(after))
    })
    .await
}
