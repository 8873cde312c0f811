//! All messages in the order of their keys, in pieces: for comparisons with the search index, and to make it anew.

use diesel::{OptionalExtension, prelude::*};
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, ChatNumber, Message, MessageNumber};

use super::{Row, TABLE};
use crate::{Connection, Error, schema::messages};

/// A place in the order of all messages: behind the message with this application, chat and number. All zeros is before the
/// first.
pub type Place = (u64, u64, u64);

/// A message's key and version.
pub type Version = ((ApplicationId, ChatNumber, MessageNumber), u64);

/// The rows behind `$after`, up to the chat `$until`, in order. The alternatives are ranges of the primary key.
macro_rules! behind {
    ($after:expr, $until:expr) => {{
        let ((application, chat, number), (last_application, last_chat)) = ($after, $until);
        let same_application = messages::application_id.eq(application);
        let behind = messages::application_id
            .gt(application)
            .or(same_application.and(messages::chat_number.gt(chat)))
            .or(same_application.and(messages::chat_number.eq(chat)).and(messages::number.gt(number)));
        let before = messages::application_id
            .lt(last_application)
            .or(messages::application_id.eq(last_application).and(messages::chat_number.le(last_chat)));
        messages::table.filter(behind).filter(before).order((messages::application_id, messages::chat_number, messages::number))
    }};
}

/// At most `limit` messages behind `after`, up to the last one of the chat `until` (application and number), as they are now. All
/// are held in memory: the caller bounds `limit`.
///
/// # Errors
/// [`Error`].
pub async fn walk(
    conn: &mut Connection,
    after: Place,
    until: (u64, u64),
    limit: u32,
) -> Result<Vec<(ApplicationId, ChatNumber, Message)>, Error> {
    let rows: Vec<(u64, u64, Row)> = behind!(after, until)
        .limit(limit.into())
        .select((messages::application_id, messages::chat_number, Row::as_select()))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(application_id, chat, row)| {
            let message = row.message(application_id, chat)?;
            let chat = ChatNumber::new(chat).map_err(Error::corrupt(TABLE))?;
            Ok((ApplicationId::new(application_id), chat, message))
        })
        .collect()
}

/// As [`walk`], of each message only its key and version.
///
/// # Errors
/// [`Error`].
pub async fn walk_versions(conn: &mut Connection, after: Place, until: (u64, u64), limit: u32) -> Result<Vec<Version>, Error> {
    let rows: Vec<(u64, u64, u64, u64)> = behind!(after, until)
        .limit(limit.into())
        .select((messages::application_id, messages::chat_number, messages::number, messages::version))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(application_id, chat, number, version)| {
            let chat = ChatNumber::new(chat).map_err(Error::corrupt(TABLE))?;
            let number = MessageNumber::new(number).map_err(Error::corrupt(TABLE))?;
            Ok(((ApplicationId::new(application_id), chat, number), version))
        })
        .collect()
}

/// Whether there is no message at all.
///
/// # Errors
/// [`Error`].
pub async fn is_empty(conn: &mut Connection) -> Result<bool, Error> {
    let first: Option<u64> = messages::table.select(messages::number).first(conn).await.optional()?;
    Ok(first.is_none())
}

/// Roughly how many messages there are: the server's own estimate, for showing progress.
///
/// # Errors
/// [`Error`].
pub async fn estimate(conn: &mut Connection) -> Result<u64, Error> {
    #[derive(QueryableByName)]
    struct Estimate {
        #[diesel(sql_type = diesel::sql_types::Unsigned<diesel::sql_types::BigInt>)]
        estimate: u64,
    }
    let row: Estimate = diesel::sql_query(
        "SELECT CAST(COALESCE(SUM(table_rows), 0) AS UNSIGNED) AS estimate FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_name = 'messages'",
    )
    .get_result(conn)
    .await?;
    Ok(row.estimate)
}
