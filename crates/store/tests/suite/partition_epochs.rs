//! The partitions' epochs: they only rise.

use events::{Epoch, PartitionCount};
use store::partition_epochs;

use super::support::Database;

#[tokio::test]
async fn a_partitions_epoch_rises_and_never_falls() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let partitions: Vec<_> = PartitionCount::new(2).unwrap().all().collect();
    assert_eq!(partition_epochs::find(conn, partitions[0]).await.unwrap(), None);
    for (raised, expected) in [(3, 3), (2, 3), (3, 3), (u64::MAX, u64::MAX)] {
        partition_epochs::raise(conn, partitions[0], Epoch::new(raised)).await.unwrap();
        assert_eq!(partition_epochs::find(conn, partitions[0]).await.unwrap(), Some(Epoch::new(expected)));
    }
    assert_eq!(partition_epochs::find(conn, partitions[1]).await.unwrap(), None);
    partition_epochs::raise(conn, partitions[1], Epoch::new(7)).await.unwrap();
    assert_eq!(partition_epochs::all(conn).await.unwrap(), [(0, Epoch::new(u64::MAX)), (1, Epoch::new(7))]);
}
