//! The table `partition_epochs`: the highest epoch that each partition's queue has shown. It never goes down.
//!
//! A consumer writes it in the transaction that stores what it shows, so that it and its successors tell a straggler, an item
//! of an earlier epoch that comes late, from a redelivered item, after a crash too.

use diesel::{OptionalExtension, prelude::*, sql_query, sql_types::BigInt, sql_types::SmallInt, sql_types::Unsigned};
use diesel_async::RunQueryDsl;
use events::{Epoch, Partition};

use crate::{Connection, Error, schema::partition_epochs};

/// The partition's epoch; `None` when nothing was stored from its queue yet.
///
/// # Errors
/// [`Error`].
pub async fn find(conn: &mut Connection, partition: Partition) -> Result<Option<Epoch>, Error> {
    let epoch: Option<u64> =
        partition_epochs::table.find(partition.get()).select(partition_epochs::epoch).first(conn).await.optional()?;
    Ok(epoch.map(Epoch::new))
}

/// Every partition's epoch that is stored, in the order of the partitions' numbers.
///
/// # Errors
/// [`Error`].
pub async fn all(conn: &mut Connection) -> Result<Vec<(u16, Epoch)>, Error> {
    let rows: Vec<(u16, u64)> = partition_epochs::table.order(partition_epochs::partition_number).load(conn).await?;
    Ok(rows.into_iter().map(|(partition, epoch)| (partition, Epoch::new(epoch))).collect())
}

/// Sets the partition's epoch, unless it is as high already.
///
/// # Errors
/// [`Error`].
pub async fn raise(conn: &mut Connection, partition: Partition, epoch: Epoch) -> Result<(), Error> {
    sql_query(
        "INSERT INTO partition_epochs (partition_number, epoch) VALUES (?, ?) \
         ON DUPLICATE KEY UPDATE epoch = GREATEST(epoch, VALUES(epoch))",
    )
    .bind::<Unsigned<SmallInt>, _>(partition.get())
    .bind::<Unsigned<BigInt>, _>(epoch.get())
    .execute(conn)
    .await?;
    Ok(())
}
