//! The table `epochs`: MySQL gives the numbering's epochs their numbers, and keeps their history for operators.

use diesel::{dsl::max, prelude::*};
use diesel_async::RunQueryDsl;
use domain::Timestamp;
use events::Epoch;

use crate::{Connection, Error, lock, schema::epochs};

/// Whoever takes a number holds this lock of the server: a number must be greater than every row, those included that another
/// connection is about to add.
const LOCK: &str = "epochs";
/// How long to wait for it. It is held for two short statements.
const LOCK_WAIT_S: i64 = 1;

/// The reason in the row of an epoch that was opened and that MySQL no longer knew of.
const FORGOTTEN: &str = "forgotten";

/// The longest run id and reason that are kept.
const MAX_TEXT_CHARS: usize = 64;

/// A row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The epoch.
    pub epoch: Epoch,
    /// The Redis process it was opened for.
    pub run_id: String,
    /// Why.
    pub reason: String,
    /// When its number was taken.
    pub opened_at: Timestamp,
    /// Whether its routing keys are known to be unbound.
    pub closed: bool,
}

/// Takes the next number: greater than that of every row and than `floor`. Callers at the same time get different numbers, in
/// the order of their rows. An interrupted caller may leave a row that nobody uses. If the floor is above every row (MySQL was
/// put back to an older state), it gets a row as well, or nobody would ever unbind it.
///
/// # Errors
/// [`Error::Locked`] when others take numbers for longer than a second; [`Error::Nested`] in a transaction, whose row the next
/// caller would not see.
pub async fn next(conn: &mut Connection, run_id: &str, reason: &str, floor: Epoch) -> Result<Epoch, Error> {
    alone(conn, async |conn| {
        let highest = known(conn, floor, run_id).await?;
        let next = Epoch::new(highest.get() + 1);
        add(conn, next, run_id, reason).await?;
        Ok(next)
    })
    .await
}

/// Makes sure that all numbers up to this one count as taken: a row for it, if it is above every row. Returns the highest number.
///
/// # Errors
/// As [`next`].
pub async fn raise_to(conn: &mut Connection, number: Epoch, run_id: &str) -> Result<Epoch, Error> {
    alone(conn, async |conn| known(conn, number, run_id).await).await
}

/// Holds the lock while it works.
async fn alone<T>(conn: &mut Connection, work: impl AsyncFnOnce(&mut Connection) -> Result<T, Error>) -> Result<T, Error> {
    if conn.is_in_transaction() {
        return Err(Error::Nested);
    }
    if !lock::take(conn, LOCK, LOCK_WAIT_S).await? {
        return Err(Error::Locked(LOCK));
    }
    let outcome = work(conn).await;
    lock::release(conn, LOCK).await;
    outcome
}

async fn known(conn: &mut Connection, number: Epoch, run_id: &str) -> Result<Epoch, Error> {
    let highest = highest(conn).await?.unwrap_or(Epoch::new(0));
    if number > highest {
        add(conn, number, run_id, FORGOTTEN).await?;
    }
    Ok(highest.max(number))
}

async fn add(conn: &mut Connection, number: Epoch, run_id: &str, reason: &str) -> Result<(), Error> {
    let cut = |text: &str| -> String { text.chars().take(MAX_TEXT_CHARS).collect() };
    diesel::insert_into(epochs::table)
        .values((
            epochs::number.eq(number.get()),
            epochs::run_id.eq(cut(run_id)),
            epochs::reason.eq(cut(reason)),
            epochs::opened_at.eq(Timestamp::now().to_naive_utc()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The highest number that was taken.
///
/// # Errors
/// [`Error`].
pub async fn highest(conn: &mut Connection) -> Result<Option<Epoch>, Error> {
    let number: Option<u64> = epochs::table.select(max(epochs::number)).get_result(conn).await?;
    Ok(number.map(Epoch::new))
}

/// The epochs below this one that are not closed, lowest first.
///
/// # Errors
/// [`Error`].
pub async fn open_below(conn: &mut Connection, epoch: Epoch) -> Result<Vec<Epoch>, Error> {
    let numbers: Vec<u64> = epochs::table
        .filter(epochs::closed.eq(false))
        .filter(epochs::number.lt(epoch.get()))
        .order(epochs::number)
        .select(epochs::number)
        .load(conn)
        .await?;
    Ok(numbers.into_iter().map(Epoch::new).collect())
}

/// Notes that these epochs' routing keys are unbound.
///
/// # Errors
/// [`Error`].
pub async fn close(conn: &mut Connection, epochs: &[Epoch]) -> Result<(), Error> {
    diesel::update(epochs::table.filter(epochs::number.eq_any(epochs.iter().map(|epoch| epoch.get()))))
        .set(epochs::closed.eq(true))
        .execute(conn)
        .await?;
    Ok(())
}

/// The last `limit` epochs, latest first.
///
/// # Errors
/// [`Error`].
pub async fn history(conn: &mut Connection, limit: u32) -> Result<Vec<Opened>, Error> {
    let rows: Vec<(u64, String, String, chrono::NaiveDateTime, bool)> =
        epochs::table.order(epochs::number.desc()).limit(limit.into()).load(conn).await?;
    let opened = |(number, run_id, reason, opened_at, closed)| Opened {
        epoch: Epoch::new(number),
        run_id,
        reason,
        opened_at: Timestamp::from_naive_utc(opened_at),
        closed,
    };
    Ok(rows.into_iter().map(opened).collect())
}
