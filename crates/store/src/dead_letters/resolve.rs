//! What an operator decides on a dead letter. Changes nothing but the resolution, and the payload when it is to go.

use diesel::{OptionalExtension, prelude::*};
use diesel_async::RunQueryDsl;
use domain::Timestamp;

use super::{Resolution, Row, Stored, pieces, whole};
use crate::{Connection, Error, schema::dead_letters};

/// The letter with this key, locked until the transaction ends, so that of several who deal with it one comes first.
///
/// # Errors
/// [`Error`].
pub async fn lock(conn: &mut Connection, id: u64) -> Result<Option<Stored>, Error> {
    let row: Option<Row> = dead_letters::table.find(id).select(Row::as_select()).for_update().first(conn).await.optional()?;
    whole(conn, row).await
}

/// Notes what became of the letter. To be called with the row [locked](lock).
///
/// # Errors
/// [`Error`].
pub async fn resolve(conn: &mut Connection, id: u64, resolution: Resolution, now: Timestamp) -> Result<(), Error> {
    diesel::update(dead_letters::table.find(id))
        .set((dead_letters::resolution.eq(resolution.as_str()), dead_letters::resolved_at.eq(now.to_naive_utc())))
        .execute(conn)
        .await?;
    Ok(())
}

/// Empties the letter's payload; its number and its event stay. To be called with the row [locked](lock).
///
/// # Errors
/// [`Error`].
pub async fn erase_payload(conn: &mut Connection, id: u64) -> Result<(), Error> {
    let nothing: &[u8] = &[];
    diesel::update(dead_letters::table.find(id)).set(dead_letters::payload.eq(nothing)).execute(conn).await?;
    pieces::erase(conn, id).await
}
