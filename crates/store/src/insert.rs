//! Many rows in one statement: the way batches are stored.
//!
//! One prepared INSERT of up to a thousand rows stores rows some forty times faster than one by one. The text of such a
//! statement depends on the number of rows; the query builder's own batch insert is therefore prepared anew each time. This one
//! says when its text is worth keeping.

use diesel::{
    QueryResult,
    mysql::Mysql,
    query_builder::{AstPass, QueryFragment, QueryId},
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use crate::{Connection, Error, transaction};

/// Rows of a statement at most.
const MAX_ROWS: usize = 1_000;
/// Bytes of a statement at most, roughly. The server's `max_allowed_packet` is 16 MiB or more unless someone lowered it.
const MAX_BYTES: usize = 4 << 20;
/// Placeholders of a statement at most: the protocol counts them in 16 bits.
const MAX_PLACEHOLDERS: usize = 65_535;

/// A row that can be inserted among many.
pub(crate) trait InsertRow: Send + Sync {
    /// `INSERT INTO table (columns) VALUES`.
    const INTO: &'static str;
    /// What to do about keys that are taken; by default nothing, so that the statement fails.
    const ON_DUPLICATE: &'static str = "";
    /// How many values [`InsertRow::bind`] adds.
    const COLUMNS: usize;

    /// About how many bytes the row's values take.
    fn size(&self) -> usize;

    /// Adds the values, with commas between them.
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Mysql>) -> QueryResult<()>;
}

struct Insert<'a, R> {
    rows: &'a [R],
}

impl<R: InsertRow> QueryFragment<Mysql> for Insert<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        if !is_worth_keeping(self.rows.len()) {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql(R::INTO);
        let mut open = " (";
        for row in self.rows {
            out.push_sql(open);
            open = ", (";
            row.bind(&mut out)?;
            out.push_sql(")");
        }
        out.push_sql(R::ON_DUPLICATE);
        Ok(())
    }
}

impl<R> QueryId for Insert<'_, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Under load batches are full, and their size is what an operator set: a round number. With little to do they are very small.
/// Of the sizes in between each is rare, and each kept statement takes memory in the server, by the row.
fn is_worth_keeping(rows: usize) -> bool {
    rows.is_multiple_of(50) || rows <= 8
}

/// Inserts all rows or none, in as few statements as the limits allow. Within a transaction, a failure undoes only the rows of
/// this call, and the transaction stays usable (except after a deadlock, which the server answers by ending it).
pub(crate) async fn insert<R: InsertRow>(conn: &mut Connection, rows: &[R]) -> Result<(), Error> {
    let chunks: Vec<&[R]> = chunks(rows).collect();
    match chunks.as_slice() {
        [] => Ok(()),
        [rows] => one(conn, rows).await,
        chunks if conn.is_in_transaction() => within_savepoint(conn, chunks).await,
        chunks => transaction(conn, async |conn| each(conn, chunks).await).await,
    }
}

async fn one<R: InsertRow>(conn: &mut Connection, rows: &[R]) -> Result<(), Error> {
    Insert { rows }.execute(conn).await?;
    Ok(())
}

async fn each<R: InsertRow>(conn: &mut Connection, chunks: &[&[R]]) -> Result<(), Error> {
    for rows in chunks {
        one(conn, rows).await?;
    }
    Ok(())
}

async fn within_savepoint<R: InsertRow>(conn: &mut Connection, chunks: &[&[R]]) -> Result<(), Error> {
    conn.batch_execute("SAVEPOINT batch").await?;
    let outcome = each(conn, chunks).await;
    if outcome.is_err() {
        // After a deadlock neither the savepoint nor the transaction is there any more; the first error says so.
        let _ = conn.batch_execute("ROLLBACK TO SAVEPOINT batch").await;
    }
    outcome
}

fn chunks<R: InsertRow>(mut rows: &[R]) -> impl Iterator<Item = &[R]> {
    let most = MAX_ROWS.min(MAX_PLACEHOLDERS / R::COLUMNS);
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = rows.iter().take(most).take_while(|row| {
            bytes += row.size();
            bytes <= MAX_BYTES
        });
        // A row that is too large alone is sent alone: the server says what it thinks of it.
        let count = fitting.count().max(1).min(rows.len());
        let (chunk, rest) = rows.split_at(count);
        rows = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sized(usize);

    impl InsertRow for Sized {
        const INTO: &'static str = "";
        const COLUMNS: usize = 7;

        fn size(&self) -> usize {
            self.0
        }

        fn bind<'b>(&'b self, _: &mut AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
            Ok(())
        }
    }

    fn sizes(rows: &[usize]) -> Vec<usize> {
        let rows: Vec<Sized> = rows.iter().map(|size| Sized(*size)).collect();
        chunks(&rows).map(<[Sized]>::len).collect()
    }

    #[test]
    fn a_statement_keeps_to_its_rows_and_bytes() {
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[1; 2_500]), [1_000, 1_000, 500]);
        assert_eq!(sizes(&[MAX_BYTES / 2, MAX_BYTES / 2, 1]), [2, 1]);
        assert_eq!(sizes(&[MAX_BYTES * 2, 1, 1]), [1, 2]);
    }
}
