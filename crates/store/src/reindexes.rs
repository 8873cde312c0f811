//! The table `reindexes`: that the search index is being made anew, and how far that has come. It has a row while it is, and none
//! otherwise.
//!
//! # Why nothing is missing from the new version
//! An [outbox](crate::outbox) row says that an index has not seen something. Who removes it names the reindex that it wrote for,
//! if any, and the row goes only if that is what this table says at that moment. So once the row here is committed, whatever is
//! written to the old version alone keeps its outbox row, and is written again, to both; and what had lost its outbox row before
//! was committed before, so the copy, which begins later, finds it.

use diesel::{OptionalExtension, prelude::*};
use diesel_async::RunQueryDsl;
use domain::Timestamp;

use crate::{Connection, Error, messages::Place, schema::reindexes};

/// A reindex that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reindex {
    /// The row's key, never used again.
    pub id: u64,
    /// The version that is being filled.
    pub version: u32,
    /// The version that was in use when it began.
    pub old_version: u32,
    /// All messages up to here are copied.
    pub place: Place,
    /// How many that were.
    pub copied: u64,
    /// When it began.
    pub started_at: Timestamp,
}

#[derive(Queryable)]
struct Row {
    id: u64,
    version: u32,
    old_version: u32,
    application_id: u64,
    chat_number: u64,
    message_number: u64,
    copied: u64,
    started_at: chrono::NaiveDateTime,
}

/// The reindex that is under way.
///
/// # Errors
/// [`Error`].
pub async fn current(conn: &mut Connection) -> Result<Option<Reindex>, Error> {
    let row: Option<Row> = reindexes::table
        .select((
            reindexes::id,
            reindexes::version,
            reindexes::old_version,
            reindexes::application_id,
            reindexes::chat_number,
            reindexes::message_number,
            reindexes::copied,
            reindexes::started_at,
        ))
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(|row| Reindex {
        id: row.id,
        version: row.version,
        old_version: row.old_version,
        place: (row.application_id, row.chat_number, row.message_number),
        copied: row.copied,
        started_at: Timestamp::from_naive_utc(row.started_at),
    }))
}

/// Notes that one begins: from the commit on, everything that is stored will reach both versions.
///
/// # Errors
/// [`Error::kind`] is `Duplicate` when one is under way.
pub async fn begin(conn: &mut Connection, version: u32, old_version: u32, now: Timestamp) -> Result<(), Error> {
    diesel::insert_into(reindexes::table)
        .values((
            reindexes::version.eq(version),
            reindexes::old_version.eq(old_version),
            reindexes::started_at.eq(now.to_naive_utc()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes how far the copy has come.
///
/// # Errors
/// [`Error`].
pub async fn advance(conn: &mut Connection, id: u64, place: Place, copied: u64) -> Result<(), Error> {
    diesel::update(reindexes::table.find(id))
        .set((
            reindexes::application_id.eq(place.0),
            reindexes::chat_number.eq(place.1),
            reindexes::message_number.eq(place.2),
            reindexes::copied.eq(copied),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that it is over, however it ended.
///
/// # Errors
/// [`Error`].
pub async fn end(conn: &mut Connection, id: u64) -> Result<(), Error> {
    diesel::delete(reindexes::table.find(id)).execute(conn).await?;
    Ok(())
}
