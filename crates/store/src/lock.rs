//! Named locks of the server (`GET_LOCK`), for work that only one process at a time should do.
//!
//! A lock belongs to a session and ends with it: work whose safety depended on the lock could be cut off from it without
//! noticing. So it only ever spares double work; what must be exact is made so by rows and keys.

use std::{convert::Infallible, future::pending, time::Duration};

use diesel::{
    sql_query,
    sql_types::{BigInt, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use tokio::time::sleep;

use crate::{Connection, Error, Store};

/// Locks are the whole server's, so the name carries the database's; both servers take 64 characters at most.
const NAME: &str = "CONCAT(?, ':', LEFT(SHA2(DATABASE(), 256), 32))";

/// How often a holder gives a sign of life while its work runs: several times within the `wait_timeout` of every session, after
/// which the server ends that of a host that was lost, and somebody else may work.
const SIGN_OF_LIFE: Duration = Duration::from_secs(8);

#[derive(diesel::QueryableByName)]
struct Taken {
    #[diesel(sql_type = Nullable<BigInt>)]
    taken: Option<i64>,
}

/// Takes the lock, waiting for it at most `wait_s` seconds. `false`: another holds it.
pub(crate) async fn take(conn: &mut Connection, name: &'static str, wait_s: i64) -> Result<bool, Error> {
    let row: Taken = sql_query(format!("SELECT CAST(GET_LOCK({NAME}, ?) AS SIGNED) AS taken"))
        .bind::<Text, _>(name)
        .bind::<BigInt, _>(wait_s)
        .get_result(conn)
        .await?;
    Ok(row.taken == Some(1))
}

/// Gives the lock back; if that fails, closing the connection will.
pub(crate) async fn release(conn: &mut Connection, name: &'static str) {
    let released = sql_query(format!("DO RELEASE_LOCK({NAME})")).bind::<Text, _>(name).execute(conn).await;
    if released.is_err() {
        conn.give_up();
    }
}

/// Keeps the holder's session from being ended for its silence. A session that is lost all the same is nothing that the work need
/// know of.
async fn stay(holder: &mut Connection) -> Infallible {
    loop {
        sleep(SIGN_OF_LIFE).await;
        if holder.ping().await.is_err() {
            return pending().await;
        }
    }
}

impl Store {
    /// Runs `work` while this process holds the named lock; `None` when another holds it now. The lock has a connection of its
    /// own, so `work` acquires what it needs. `name` has at most 31 characters.
    ///
    /// # Errors
    /// Whatever kept the lock from being asked for. An error of `work` is part of its own value.
    pub async fn with_lock<T>(&self, name: &'static str, work: impl Future<Output = T>) -> Result<Option<T>, Error> {
        let mut holder = self.dedicated().await?;
        if !take(&mut holder, name, 0).await? {
            return Ok(None);
        }
        let value = tokio::select! {
            biased;
            value = work => value,
            never = stay(&mut holder) => match never {},
        };
        release(&mut holder, name).await;
        Ok(Some(value))
    }
}
