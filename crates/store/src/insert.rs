//! Many rows in one statement: the way batches are stored.
//!
//! One prepared INSERT of up to a thousand rows stores rows some forty times faster than one by one. The text of such a statement
//! depends on the number of rows, and to prepare one the server reads all of it, and the driver an answer for each placeholder.
//! So statements have one of a few sizes, each of which is prepared once on a connection and kept, and a batch is cut into these.

use chrono::{Datelike, Timelike};
use diesel::QueryResult;
use diesel_async::SimpleAsyncConnection;
use domain::Timestamp;
use mysql_async::{Params, Value};

use crate::{Connection, Error, statement::Statement, transaction};

/// Rows of a statement at most.
const MAX_ROWS: usize = 1_000;
/// Bytes of a statement at most, roughly. The server's `max_allowed_packet` is 16 MiB or more unless someone lowered it.
const MAX_BYTES: usize = 4 << 20;
/// Placeholders of a statement at most: the protocol counts them in 16 bits.
const MAX_PLACEHOLDERS: usize = 65_535;

/// A row that can be inserted among many.
pub(crate) trait InsertRow<const COLUMNS: usize> {
    /// `INSERT INTO table (columns) VALUES`.
    const INTO: &'static str;
    /// What to do about keys that are taken; by default nothing, so that the statement fails.
    const ON_DUPLICATE: &'static str = "";

    /// About how many bytes the row's values take.
    fn size(&self) -> usize;

    /// The values, in the order of the columns.
    fn values(&self) -> QueryResult<[Value; COLUMNS]>;
}

/// What a `DATETIME(3)` column is given.
///
/// # Errors
/// A year that the protocol has no room for: the row's own fault.
pub(crate) fn moment(moment: Timestamp) -> QueryResult<Value> {
    let moment = moment.to_naive_utc();
    let part = |part: u32| u8::try_from(part).map_err(unfit);
    let year = u16::try_from(moment.year()).map_err(unfit)?;
    let (month, day) = (part(moment.month())?, part(moment.day())?);
    let (hour, minute, second) = (part(moment.hour())?, part(moment.minute())?, part(moment.second())?);
    Ok(Value::Date(year, month, day, hour, minute, second, moment.nanosecond() / 1_000))
}

fn unfit(error: std::num::TryFromIntError) -> diesel::result::Error {
    diesel::result::Error::SerializationError(Box::new(error))
}

/// The statement that inserts these rows.
fn statement<R: InsertRow<COLUMNS>, const COLUMNS: usize>(rows: &[R]) -> QueryResult<Statement> {
    let row = format!("({})", ["?"; COLUMNS].join(", "));
    let mut sql = String::with_capacity(R::INTO.len() + rows.len() * (row.len() + 2) + R::ON_DUPLICATE.len());
    let mut values = Vec::with_capacity(rows.len() * COLUMNS);
    sql.push_str(R::INTO);
    let mut before = " ";
    for one in rows {
        sql.push_str(before);
        sql.push_str(&row);
        values.extend(one.values()?);
        before = ", ";
    }
    sql.push_str(R::ON_DUPLICATE);
    Ok(Statement { sql, params: Params::Positional(values), cacheable: true })
}

/// The largest size of a statement that takes no more than so many rows.
///
/// A further statement costs a round trip, and a further size memory in the server and here, by the row, on each connection.
/// These are 33 sizes, of all together about four thousand rows. A batch of fewer than twenty rows, as all are while there is
/// little to do, goes in one statement, and none of up to a thousand rows takes more than three.
fn kept_size(rows: usize) -> usize {
    match rows {
        0..20 => rows,
        20..200 => rows - rows % 20,
        _ => rows - rows % 200,
    }
}

/// Inserts all rows or none, in few statements. Within a transaction, a failure undoes only the rows of this call, and the
/// transaction stays usable (except after a deadlock, which the server answers by ending it).
pub(crate) async fn insert<R, const COLUMNS: usize>(conn: &mut Connection, rows: &[R]) -> Result<(), Error>
where
    R: InsertRow<COLUMNS>,
{
    let chunks: Vec<&[R]> = chunks(rows).collect();
    match chunks.as_slice() {
        [] => Ok(()),
        [rows] => one(conn, rows).await,
        chunks if conn.is_in_transaction() => within_savepoint(conn, chunks).await,
        chunks => transaction(conn, async |conn| each(conn, chunks).await).await,
    }
}

async fn one<R: InsertRow<COLUMNS>, const COLUMNS: usize>(conn: &mut Connection, rows: &[R]) -> Result<(), Error> {
    conn.affected(statement(rows)?).await?;
    Ok(())
}

async fn each<R: InsertRow<COLUMNS>, const COLUMNS: usize>(conn: &mut Connection, chunks: &[&[R]]) -> Result<(), Error> {
    for rows in chunks {
        one(conn, rows).await?;
    }
    Ok(())
}

async fn within_savepoint<R, const COLUMNS: usize>(conn: &mut Connection, chunks: &[&[R]]) -> Result<(), Error>
where
    R: InsertRow<COLUMNS>,
{
    conn.batch_execute("SAVEPOINT batch").await?;
    let outcome = each(conn, chunks).await;
    if outcome.is_err() {
        // After a deadlock neither the savepoint nor the transaction is there any more; the first error says so.
        let _ = conn.batch_execute("ROLLBACK TO SAVEPOINT batch").await;
    }
    outcome
}

fn chunks<R: InsertRow<COLUMNS>, const COLUMNS: usize>(mut rows: &[R]) -> impl Iterator<Item = &[R]> {
    let most = MAX_ROWS.min(MAX_PLACEHOLDERS / COLUMNS);
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = rows.iter().take(most).take_while(|row| {
            bytes += row.size();
            bytes <= MAX_BYTES
        });
        // A row that is too large alone is sent alone. Where that, or a whole statement, is above the server's
        // `max_allowed_packet`, the driver, which has read it, refuses it as the server would: the rows' fault, who inserts them
        // may try fewer.
        let count = kept_size(fitting.count().max(1).min(rows.len()));
        let (chunk, rest) = rows.split_at(count);
        rows = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    struct Sized(usize);

    impl InsertRow<2> for Sized {
        const INTO: &'static str = "INSERT INTO t (a, b) VALUES";
        const ON_DUPLICATE: &'static str = " ON DUPLICATE KEY UPDATE b = 1";

        fn size(&self) -> usize {
            self.0
        }

        fn values(&self) -> QueryResult<[Value; 2]> {
            Ok([self.0.into(), Value::NULL])
        }
    }

    fn sizes(rows: &[usize]) -> Vec<usize> {
        let rows: Vec<Sized> = rows.iter().map(|size| Sized(*size)).collect();
        chunks(&rows).map(<[Sized]>::len).collect()
    }

    #[test]
    fn a_statement_keeps_to_its_rows_and_bytes() {
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[1; 2_500]), [1_000, 1_000, 400, 100]);
        assert_eq!(sizes(&[MAX_BYTES / 2, MAX_BYTES / 2, 1]), [2, 1]);
        assert_eq!(sizes(&[MAX_BYTES * 2, 1, 1]), [1, 2]);
        assert_eq!(sizes(&[MAX_BYTES / 104; 300]), [100, 100, 100]);
    }

    #[test]
    fn statements_of_any_batch_are_few_and_of_few_sizes() {
        let mut seen = BTreeSet::new();
        for rows in 1..=MAX_ROWS {
            let sizes = sizes(&vec![1; rows]);
            assert_eq!(sizes.iter().sum::<usize>(), rows);
            assert!(sizes.len() <= 3, "{rows} rows: {sizes:?}");
            seen.extend(sizes);
        }
        assert_eq!((seen.len(), seen.iter().sum::<usize>()), (33, 4_090));
    }

    #[test]
    fn a_statement_has_a_placeholder_for_each_value() {
        let Statement { sql, params, cacheable } = statement(&[Sized(7), Sized(8)]).unwrap();
        assert_eq!(sql, "INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ON DUPLICATE KEY UPDATE b = 1");
        let values = vec![Value::UInt(7), Value::NULL, Value::UInt(8), Value::NULL];
        assert!(matches!(params, Params::Positional(given) if given == values));
        assert!(cacheable);
    }

    #[test]
    fn a_moment_is_sent_as_a_column_holds_it() {
        let at = |millis| moment(Timestamp::from_unix_millis(millis).unwrap());
        assert_eq!(at(1_767_323_045_678).unwrap(), Value::Date(2026, 1, 2, 3, 4, 5, 678_000));
        assert_eq!(at(253_402_300_799_999).unwrap(), Value::Date(9999, 12, 31, 23, 59, 59, 999_000));
        let before_all_years = Error::from(at(-99_999_999_999_999).unwrap_err());
        assert_eq!(before_all_years.kind(), crate::ErrorKind::Row);
    }
}
