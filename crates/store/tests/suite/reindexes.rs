//! While the search index is made anew, an outbox row goes only when both versions have what it speaks of.

use domain::{ApplicationId, Timestamp};
use store::{Connection, ErrorKind, Range, messages, outbox, reindexes};

use super::support::{Database, add_messages, application, chat_number, message_number};

async fn add(conn: &mut Connection, due: Timestamp) -> u64 {
    let number = message_number(1);
    let range = Range { application_id: ApplicationId::new(1), chat: chat_number(1), first: number, last: number };
    outbox::add(conn, &[range], due, due).await.unwrap()
}

async fn due(conn: &mut Connection) -> Vec<u64> {
    outbox::due(conn, Timestamp::now(), 10).await.unwrap().ids()
}

#[tokio::test]
async fn a_row_goes_only_for_the_reindex_that_was_written_for() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let now = Timestamp::now();
    let later = Timestamp::from(now.to_datetime() + std::time::Duration::from_secs(600));
    assert_eq!(reindexes::current(conn).await.unwrap(), None);
    let id = add(conn, later).await;
    // Written when there was none; now there is one.
    reindexes::begin(conn, 2, 1, now).await.unwrap();
    outbox::remove(conn, &[id], None, now).await.unwrap();
    assert_eq!(due(conn).await, [id]);
    let reindex = reindexes::current(conn).await.unwrap().unwrap();
    assert_eq!((reindex.version, reindex.old_version, reindex.place, reindex.copied), (2, 1, (0, 0, 0), 0));
    outbox::remove(conn, &[id], Some(reindex.id + 1), now).await.unwrap();
    assert_eq!(outbox::depth(conn).await.unwrap(), 1);
    outbox::remove(conn, &[id], Some(reindex.id), now).await.unwrap();
    assert_eq!(outbox::depth(conn).await.unwrap(), 0);

    // Written for one that is over.
    let id = add(conn, later).await;
    let kind = reindexes::begin(conn, 3, 1, now).await.unwrap_err().kind();
    assert_eq!(kind, ErrorKind::Duplicate);
    reindexes::advance(conn, reindex.id, (1, 2, 3), 4).await.unwrap();
    let at = reindexes::current(conn).await.unwrap().unwrap();
    assert_eq!((at.place, at.copied), ((1, 2, 3), 4));
    reindexes::end(conn, reindex.id).await.unwrap();
    outbox::remove(conn, &[id], Some(reindex.id), now).await.unwrap();
    assert_eq!(due(conn).await, [id]);
    // The next one is another.
    reindexes::begin(conn, 2, 1, now).await.unwrap();
    assert!(reindexes::current(conn).await.unwrap().unwrap().id > reindex.id);
    assert_eq!(outbox::ends(conn).await.unwrap(), Some((id, id)));
}

#[tokio::test]
async fn all_messages_come_once_in_the_order_of_their_keys() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let (one, two) = (application(conn).await.id, application(conn).await.id);
    for (app, chat, numbers) in [(two, 1, 1..=3), (one, 7, 5..=9), (one, 2, 1..=4)] {
        add_messages(conn, app, chat, numbers).await;
    }
    let expected: Vec<_> = [(one, 2, 1..=4), (one, 7, 5..=9), (two, 1, 1..=3)]
        .into_iter()
        .flat_map(|(app, chat, numbers)| numbers.map(move |number| (app.get(), chat, number)))
        .collect();
    for limit in [1, 2, 5, 100] {
        let (mut walked, mut place) = (Vec::new(), (0, 0, 0));
        loop {
            let piece = messages::walk_versions(conn, place, (u64::MAX, u64::MAX), limit).await.unwrap();
            let whole = messages::walk(conn, place, (u64::MAX, u64::MAX), limit).await.unwrap();
            assert_eq!(piece.len(), whole.len());
            let Some(&((app, chat, number), _)) = piece.last() else { break };
            place = (app.get(), chat.get(), number.get());
            walked.extend(piece.into_iter().map(|((app, chat, number), _)| (app.get(), chat.get(), number.get())));
        }
        assert_eq!(walked, expected);
    }
    let some = messages::walk_versions(conn, (one.get(), 2, 3), (one.get(), 7), 100).await.unwrap();
    assert_eq!(some.len(), 6);
    assert!(messages::estimate(conn).await.unwrap() < 1_000);
}
