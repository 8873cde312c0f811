//! The search outbox: order, two relays, postponing.

use std::time::Duration;

use domain::{ApplicationId, Timestamp};
use store::{Connection, Range, outbox, transaction};

use super::support::{Database, chat_number, message_number};

fn range(number: u64) -> Range {
    Range {
        application_id: ApplicationId::new(1),
        chat: chat_number(1),
        first: message_number(number),
        last: message_number(number),
    }
}

fn moment(ms: i64) -> Timestamp {
    (chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::milliseconds(ms)).into()
}

async fn due_ids(conn: &mut Connection, now: i64, limit: u32) -> Vec<u64> {
    outbox::due(conn, moment(now), limit).await.unwrap().ids()
}

#[tokio::test]
async fn entries_come_when_they_are_due_the_longest_due_first() {
    let db = Database::create().await;
    let conn = &mut *db.connection().await;
    assert_eq!(outbox::oldest(conn).await.unwrap(), None);
    let late = outbox::add(conn, &[range(1)], moment(2_000), moment(0)).await.unwrap();
    let early = outbox::add(conn, &[range(2), range(4)], moment(1_000), moment(500)).await.unwrap();
    assert_eq!(outbox::oldest(conn).await.unwrap(), Some(moment(0)));
    assert_eq!(due_ids(conn, 999, 10).await, [0; 0]);
    assert_eq!(outbox::due(conn, moment(1_000), 10).await.unwrap().entries[0].ranges, [range(2), range(4)]);
    assert_eq!(due_ids(conn, 2_000, 10).await, [early, late]);
    assert_eq!(due_ids(conn, 2_000, 1).await, [early]);

    outbox::postpone(conn, &[early], moment(3_000)).await.unwrap();
    assert_eq!(due_ids(conn, 2_000, 10).await, [late]);
    assert_eq!(due_ids(conn, 3_000, 10).await, [late, early]);
    outbox::remove(conn, &[late, late, u64::MAX], None, moment(0)).await.unwrap();
    outbox::remove(conn, &[], None, moment(0)).await.unwrap();
    assert_eq!(due_ids(conn, 3_000, 10).await, [early]);
    assert_eq!((outbox::depth(conn).await.unwrap(), outbox::oldest(conn).await.unwrap()), (1, Some(moment(500))));
}

#[tokio::test]
async fn the_age_of_the_outbox_is_its_first_rows_whenever_that_is_due() {
    let db = Database::create().await;
    let conn = &mut *db.connection().await;
    assert_eq!(outbox::oldest(conn).await.unwrap(), None);
    let first = outbox::add(conn, &[range(1)], moment(9_000), moment(1_234)).await.unwrap();
    outbox::add(conn, &[range(2)], moment(3_000), moment(2_000)).await.unwrap();
    outbox::postpone(conn, &[first], moment(20_000)).await.unwrap();
    assert_eq!(outbox::oldest(conn).await.unwrap(), Some(moment(1_234)));
    outbox::remove(conn, &[first], None, moment(0)).await.unwrap();
    assert_eq!(outbox::oldest(conn).await.unwrap(), Some(moment(2_000)));
}

#[tokio::test]
async fn an_entry_that_a_wrong_clock_has_dated_is_due() {
    let db = Database::create().await;
    let conn = &mut *db.connection().await;
    let farthest = outbox::FARTHEST.as_millis() as i64;
    let leased = outbox::add(conn, &[range(1)], moment(1_000 + farthest), moment(0)).await.unwrap();
    let of_next_week = outbox::add(conn, &[range(2)], moment(7 * 24 * 3_600_000), moment(0)).await.unwrap();
    assert_eq!(due_ids(conn, 1_000, 10).await, [of_next_week]);
    // Seen by a clock that is behind, all are.
    assert_eq!(due_ids(conn, -5_000, 10).await, [leased, of_next_week]);
}

#[tokio::test]
async fn a_thousand_ranges_fit_one_entry() {
    let db = Database::create().await;
    let conn = &mut *db.connection().await;
    let ranges: Vec<_> = (1..=1_000).map(|turn| range(domain::MAX_NUMBER - 2 * turn)).collect();
    outbox::add(conn, &ranges, moment(0), moment(0)).await.unwrap();
    assert_eq!(outbox::due(conn, moment(0), 1).await.unwrap().entries[0].ranges, ranges);
}

#[tokio::test]
async fn two_relays_at_a_time_take_different_entries() {
    let db = Database::create().await;
    let store = db.store();
    let (one, two) = (&mut store.acquire().await.unwrap(), &mut store.acquire().await.unwrap());
    let mut ids = Vec::new();
    for number in 1..=6 {
        ids.push(outbox::add(one, &[range(number)], moment(number as i64), moment(0)).await.unwrap());
    }
    let taken = transaction(one, async |one| {
        let first = due_ids(one, 100, 4).await;
        // The other does not wait for the first one's entries, and does not see them.
        let second = transaction(two, async |two| {
            let second = due_ids(two, 100, 4).await;
            outbox::postpone(two, &second, moment(200)).await?;
            Ok::<_, store::Error>(second)
        });
        let second = tokio::time::timeout(Duration::from_secs(1), second).await.unwrap()?;
        outbox::postpone(one, &first, moment(200)).await?;
        Ok::<_, store::Error>((first, second))
    })
    .await
    .unwrap();
    assert_eq!(taken, (ids[..4].to_vec(), ids[4..].to_vec()));
    assert_eq!(due_ids(one, 100, 10).await, [0; 0]);
    assert_eq!(due_ids(one, 200, 10).await, ids);
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_told_apart() {
    let db = Database::create().await;
    db.sql("INSERT INTO search_outbox (id, due_at, ranges, created_at) VALUES (7, '1970-01-01', '[[1,2]]', NOW())").await;
    let conn = &mut *db.connection().await;
    let sound = outbox::add(conn, &[range(1)], moment(0), moment(0)).await.unwrap();
    let due = outbox::due(conn, moment(0), 2).await.unwrap();
    assert_eq!(due, outbox::Due { entries: vec![outbox::Entry { id: sound, ranges: vec![range(1)] }], unreadable: vec![7] });
}
