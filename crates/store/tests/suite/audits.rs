//! Counts that are wrong are told as wrong and set right, and those that are right are told as right, whoever writes meanwhile.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::{ApplicationId, Timestamp};
use store::{
    Connection, Error, Store, chats,
    counts::{self, Audit},
    messages, transaction,
};

use super::support::{Database, add_chats, add_messages, add_up, application, chat, chat_number, message, repeated};

/// Stores one message of the first chat and one chat more, as the consumer does.
async fn write(store: &Store, app: ApplicationId, turn: u64) -> Result<(), Error> {
    transaction(&mut *store.acquire().await?, async |conn: &mut Connection| {
        chats::insert(conn, &[chat(app, turn + 1)]).await?;
        messages::insert(conn, &[message(app, 1, turn, "text")]).await?;
        let now = Timestamp::now();
        counts::mark_applications(conn, &BTreeMap::from([(app, 1)]), now).await?;
        counts::mark_chats(conn, &BTreeMap::from([((app, chat_number(1)), 1)]), now).await
    })
    .await
}

#[tokio::test]
async fn a_count_is_audited_and_set_right() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    add_chats(conn, app, 1..=3).await;
    add_messages(conn, app, 2, 1..=5).await;
    counts::mark_chats(conn, &BTreeMap::from([((app, chat_number(2)), 4)]), Timestamp::now()).await.unwrap();
    let audit = counts::audit_chat(conn, app, chat_number(2)).await.unwrap().unwrap();
    assert_eq!((audit, audit.is_right()), (Audit { shown: 0, pending: 4, rows: 5 }, false));
    let audit = counts::audit_application(conn, app).await.unwrap().unwrap();
    assert_eq!((audit, audit.is_right()), (Audit { shown: 0, pending: 0, rows: 3 }, false));
    assert_eq!(counts::audit_chat(conn, app, chat_number(9)).await.unwrap(), None);
    assert_eq!(counts::audit_application(conn, ApplicationId::new(9_999)).await.unwrap(), None);

    counts::recount_chat(conn, app, chat_number(2), Timestamp::now()).await.unwrap();
    counts::recount_application(conn, app, Timestamp::now()).await.unwrap();
    let right = |rows| Some(Audit { shown: rows, pending: 0, rows });
    assert_eq!(counts::audit_chat(conn, app, chat_number(2)).await.unwrap(), right(5));
    assert_eq!(counts::audit_application(conn, app).await.unwrap(), right(3));
    // No mark is left to be added once more.
    assert_eq!(add_up(conn, 10).await.unwrap(), 0);
    // Sessions go on as they were.
    let page = counts::chats_behind(conn, (app.get(), 1), Some(app), 10).await.unwrap();
    assert_eq!(page.iter().map(|chat| (chat.chat.get(), chat.messages)).collect::<Vec<_>>(), [(2, 5), (3, 0)]);
    let page = counts::applications_behind(conn, 0, None, 10).await.unwrap();
    assert_eq!(page.iter().map(|application| application.chats).collect::<Vec<_>>(), [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_and_counts_meanwhile_audits_are_right_and_recounts_lose_nothing() {
    let db = Database::create().await;
    let store = db.store();
    let conn = &mut store.acquire().await.unwrap();
    let app = application(conn).await.id;
    chats::insert(conn, &[chat(app, 1)]).await.unwrap();
    counts::mark_applications(conn, &BTreeMap::from([(app, 1)]), Timestamp::now()).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (store, stop) = (store.clone(), stop.clone());
        tokio::spawn(async move {
            let mut turn = 0;
            while !stop.load(Ordering::Relaxed) {
                turn += 1;
                repeated(async || write(&store, app, turn).await).await;
            }
            turn
        })
    };
    let job = {
        let (store, stop) = (store.clone(), stop.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                repeated(async || add_up(&mut *store.acquire().await?, 10).await).await;
            }
        })
    };
    for turn in 0..60 {
        if turn % 3 == 0 {
            repeated(async || counts::recount_chat(&mut *store.acquire().await?, app, chat_number(1), Timestamp::now()).await)
                .await;
            repeated(async || counts::recount_application(&mut *store.acquire().await?, app, Timestamp::now()).await).await;
        }
        let messages = repeated(async || counts::audit_chat(&mut *store.acquire().await?, app, chat_number(1)).await).await;
        let chats = repeated(async || counts::audit_application(&mut *store.acquire().await?, app).await).await;
        assert!(messages.is_some_and(|audit| audit.is_right()), "{messages:?}");
        assert!(chats.is_some_and(|audit| audit.is_right()), "{chats:?}");
    }
    stop.store(true, Ordering::Relaxed);
    let turns = writer.await.unwrap();
    job.await.unwrap();
    let audit = counts::audit_chat(conn, app, chat_number(1)).await.unwrap().unwrap();
    assert_eq!((audit.rows, audit.is_right()), (turns, true));
}
