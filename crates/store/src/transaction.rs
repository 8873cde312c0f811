//! Runs several statements as one.

use crate::{Connection, Error};

/// Runs `work` in a transaction: committed when it returns `Ok`, rolled back when it returns `Err`. A future that is dropped
/// half-way leaves a connection that the pool closes, whereupon the server rolls back.
///
/// A failed commit may have taken effect all the same when it failed because the connection was lost: work that is repeated must
/// be able to tell that it was done.
///
/// # Errors
/// What `work` returned, or what kept the transaction from being begun or committed. Transactions do not nest.
pub async fn transaction<T, E>(
    connection: &mut Connection,
    work: impl AsyncFnOnce(&mut Connection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<Error>,
{
    if connection.is_in_transaction() {
        return Err(Error::Nested.into());
    }
    connection.begin().await.map_err(Error::from)?;
    match work(connection).await {
        Ok(value) => {
            connection.commit().await.map_err(Error::from)?;
            Ok(value)
        }
        Err(error) => {
            // The first error is the one to tell. A rollback that fails leaves the connection unusable, and closing it rolls
            // back.
            let _ = connection.rollback().await;
            Err(error)
        }
    }
}
