//! Payloads that are larger than what a server takes at once (`max_allowed_packet`): the first piece stands in the letter's own
//! row, the others in rows of `dead_letter_pieces`. No statement and no row holds more than one of them, and none is ever left
//! out.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Unsigned},
};
use diesel_async::RunQueryDsl;

use super::Stored;
use crate::{Connection, Error, schema::dead_letter_pieces};

/// Bytes of a piece. With the rest of its row it goes into 64 KiB, without which a server would not take the longest of messages
/// either; nearly all items are one piece. What has more is known by a row with exactly as many bytes, so this must stay what it
/// is.
const PIECE: usize = 48 * 1024;

/// The first piece of a payload, and what is left.
pub(super) fn split(payload: &[u8]) -> (&[u8], &[u8]) {
    payload.split_at(payload.len().min(PIECE))
}

/// Adds what is left of a letter's payload behind the first piece. To be called in the transaction that has added the letter.
pub(super) async fn add(conn: &mut Connection, letter: u64, rest: &[u8]) -> Result<(), Error> {
    for (number, piece) in (1_u32..).zip(rest.chunks(PIECE)) {
        diesel::insert_into(dead_letter_pieces::table)
            .values((
                dead_letter_pieces::letter_id.eq(letter),
                dead_letter_pieces::piece.eq(number),
                dead_letter_pieces::payload.eq(piece),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Adds to a payload, of which the letter's row was read, what it has beyond that.
pub(super) async fn complete(conn: &mut Connection, stored: &mut Stored) -> Result<(), Error> {
    if stored.letter.payload.len() != PIECE {
        return Ok(());
    }
    let rest: Vec<Vec<u8>> = dead_letter_pieces::table
        .filter(dead_letter_pieces::letter_id.eq(stored.id))
        .order(dead_letter_pieces::piece)
        .select(dead_letter_pieces::payload)
        .load(conn)
        .await?;
    for piece in rest {
        stored.letter.payload.extend_from_slice(&piece);
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Length {
    #[diesel(sql_type = Unsigned<BigInt>)]
    bytes: u64,
}

/// How many bytes a payload has of which the letter's row holds `first`.
pub(super) async fn length(conn: &mut Connection, letter: u64, first: u64) -> Result<u64, Error> {
    if first != PIECE as u64 {
        return Ok(first);
    }
    let rest: Length = sql_query(
        "SELECT CAST(COALESCE(SUM(LENGTH(payload)), 0) AS UNSIGNED) AS bytes FROM dead_letter_pieces WHERE letter_id = ?",
    )
    .bind::<Unsigned<BigInt>, _>(letter)
    .get_result(conn)
    .await?;
    Ok(first + rest.bytes)
}

/// Removes what a payload has beyond the first piece.
pub(super) async fn erase(conn: &mut Connection, letter: u64) -> Result<(), Error> {
    let pieces = dead_letter_pieces::table.filter(dead_letter_pieces::letter_id.eq(letter));
    diesel::delete(pieces).execute(conn).await?;
    Ok(())
}
