//! Changes a message, and has the search index told of it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, ChatNumber, Message, MessageBody, MessageNumber, Timestamp};

use super::find;
use crate::{Connection, Error, Range, outbox, schema::messages, transaction};

/// Gives the message another body; `None` when there is no such message. The row and its place in the search outbox, due at
/// once, are written together or not at all.
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
) -> Result<Option<Message>, Error> {
    transaction(conn, async |conn| {
        let edited = diesel::update(messages::table.find((application_id.get(), chat.get(), number.get())))
            .set((
                messages::body.eq(body.as_str()),
                messages::version.eq(messages::version + 1),
                messages::updated_at.eq(now.to_naive_utc()),
            ))
            .execute(conn)
            .await?;
        if edited == 0 {
            return Ok(None);
        }
        outbox::add(conn, &[Range { application_id, chat, first: number, last: number }], now, now).await?;
        // The version is the server's, not one that was read before: of two edits at a time, each answers its own.
        find(conn, application_id, chat, number).await
    })
    .await
}
