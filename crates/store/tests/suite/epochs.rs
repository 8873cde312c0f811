//! Epochs: numbers that only rise, whoever asks at the same time.

use std::collections::BTreeSet;

use events::Epoch;
use store::{Error, epochs, transaction};

use super::support::{Database, repeated};

#[tokio::test]
async fn numbers_rise_above_every_row_and_the_floor() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    assert_eq!(epochs::highest(conn).await.unwrap(), None);
    for (floor, expected) in [(0, 1), (0, 2), (1, 3), (3, 4), (100, 101), (7, 102)] {
        let epoch = epochs::next(conn, "run", "record_missing", Epoch::new(floor)).await.unwrap();
        assert_eq!(epoch, Epoch::new(expected));
        assert_eq!(epochs::highest(conn).await.unwrap(), Some(epoch));
    }
}

#[tokio::test]
async fn an_epoch_that_the_database_has_forgotten_is_told_to_be_unbound() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    assert_eq!(epochs::next(conn, "run", "record_missing", Epoch::new(0)).await.unwrap(), Epoch::new(1));
    assert_eq!(epochs::next(conn, "run", "redis_restarted", Epoch::new(5)).await.unwrap(), Epoch::new(6));
    assert_eq!(epochs::open_below(conn, Epoch::new(6)).await.unwrap(), [Epoch::new(1), Epoch::new(5)]);
    assert_eq!(epochs::raise_to(conn, Epoch::new(6), "run").await.unwrap(), Epoch::new(6));
    assert_eq!(epochs::raise_to(conn, Epoch::new(9), "run").await.unwrap(), Epoch::new(9));
    let history = epochs::history(conn, 10).await.unwrap();
    let told: Vec<_> = history.iter().map(|opened| (opened.epoch.get(), opened.reason.as_str())).collect();
    assert_eq!(told, [(9, "forgotten"), (6, "redis_restarted"), (5, "forgotten"), (1, "record_missing")]);
}

#[tokio::test]
async fn no_number_is_taken_in_a_transaction() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let outcome = transaction(conn, async |conn| epochs::next(conn, "run", "reason", Epoch::new(0)).await).await;
    assert!(matches!(outcome, Err(Error::Nested)), "{outcome:?}");
    assert_eq!(epochs::highest(conn).await.unwrap(), None);
}

#[tokio::test]
async fn closed_epochs_are_no_longer_told_and_the_history_stays() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let (long, mut opened) = ("r".repeat(80), Vec::new());
    for _ in 0..4 {
        opened.push(epochs::next(conn, &long, "redis_restarted", Epoch::new(0)).await.unwrap());
    }
    assert_eq!(epochs::open_below(conn, opened[3]).await.unwrap(), opened[..3]);
    epochs::close(conn, &opened[..2]).await.unwrap();
    epochs::close(conn, &[]).await.unwrap();
    assert_eq!(epochs::open_below(conn, opened[3]).await.unwrap(), opened[2..3]);
    let history = epochs::history(conn, 3).await.unwrap();
    let told: Vec<_> = history.iter().map(|opened| (opened.epoch, opened.closed)).collect();
    assert_eq!(told, [(opened[3], false), (opened[2], false), (opened[1], true)]);
    assert_eq!((history[0].run_id.as_str(), history[0].reason.as_str()), (&long[..64], "redis_restarted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_at_the_same_time_get_different_rising_numbers() {
    let db = Database::create().await;
    let store = db.store();
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let store = store.clone();
            tokio::spawn(async move {
                let run_id = format!("run {caller}");
                let mut taken = Vec::new();
                for turn in 0..10 {
                    let next = async || {
                        let mut conn = store.acquire().await?;
                        let floor = epochs::highest(&mut conn).await?.map_or(0, Epoch::get) + turn % 3;
                        let epoch = epochs::next(&mut conn, &run_id, "reason", Epoch::new(floor)).await?;
                        assert!(epoch.get() > floor);
                        Ok(epoch)
                    };
                    taken.push(repeated(next).await);
                }
                assert!(taken.is_sorted_by(|earlier, later| earlier < later), "{taken:?}");
                taken
            })
        })
        .collect();
    let mut all = BTreeSet::new();
    for caller in callers {
        all.extend(caller.await.unwrap());
    }
    assert_eq!(all.len(), 80);
    assert_eq!(epochs::highest(&mut store.acquire().await.unwrap()).await.unwrap(), all.last().copied());
}
