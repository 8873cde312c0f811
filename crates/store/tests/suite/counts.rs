//! Counts: exact, whatever writers and jobs do at the same time.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::{ApplicationId, ChatNumber, Timestamp};
use store::{Connection, Error, Store, applications, chats, counts, messages, transaction};

use super::support::{Database, add_chats, add_up, any, application, chat, chat_number, done, figure, message, repeated};

/// Stores a batch as the consumer does: rows first, marks last.
async fn store_batch(
    conn: &mut Connection,
    new_chats: &[events::ChatCreated],
    new_messages: &[events::MessageCreated],
) -> Result<(), Error> {
    transaction(conn, async |conn| {
        chats::insert(conn, new_chats).await?;
        messages::insert(conn, new_messages).await?;
        let mut in_applications: BTreeMap<ApplicationId, u64> = BTreeMap::new();
        let mut in_chats: BTreeMap<(ApplicationId, ChatNumber), u64> = BTreeMap::new();
        for chat in new_chats {
            *in_applications.entry(chat.application_id).or_default() += 1;
        }
        for message in new_messages {
            *in_chats.entry((message.application_id, message.chat)).or_default() += 1;
        }
        counts::mark_applications(conn, &in_applications, Timestamp::now()).await?;
        counts::mark_chats(conn, &in_chats, Timestamp::now()).await
    })
    .await
}

/// Applies marks until there are none.
async fn apply_all(store: &Store, limit: u32) {
    loop {
        let applied = repeated(async || add_up(&mut *store.acquire().await?, limit).await).await;
        if applied == 0 {
            return;
        }
    }
}

#[tokio::test]
async fn a_pass_ends_and_comes_to_every_mark_though_new_ones_are_made_behind_it() {
    let db = Database::create().await;
    let store = db.store();
    let conn = &mut store.acquire().await.unwrap();
    let app = application(conn).await;
    store_batch(conn, &[chat(app.id, 1), chat(app.id, 2), chat(app.id, 3)], &[]).await.unwrap();
    for number in 1..=3 {
        store_batch(conn, &[], &[message(app.id, number, 1, "first")]).await.unwrap();
    }
    let mut pass = counts::Pass::default();
    for number in 2..=5 {
        assert_eq!(counts::apply_next(conn, &mut pass, 1).await.unwrap(), 1);
        store_batch(conn, &[], &[message(app.id, 1, number, "again")]).await.unwrap();
    }
    // Three chats and the application; what was stored into the first chat meanwhile is left.
    assert_eq!(counts::apply_next(conn, &mut pass, 1).await.unwrap(), 0);
    let counted = async |conn: &mut Connection, number| {
        chats::find(conn, app.id, chat_number(number)).await.unwrap().unwrap().messages_count
    };
    assert_eq!([counted(conn, 1).await, counted(conn, 2).await, counted(conn, 3).await], [1, 1, 1]);
    assert_eq!(applications::find(conn, app.token).await.unwrap().unwrap().chats_count, 3);
    apply_all(&store, 100).await;
    assert_eq!(counted(conn, 1).await, 5);
}

#[tokio::test]
async fn marks_add_up_and_are_applied_once() {
    let db = Database::create().await;
    let store = db.store();
    let conn = &mut store.acquire().await.unwrap();
    let app = application(conn).await;
    store_batch(conn, &[chat(app.id, 1), chat(app.id, 2)], &[message(app.id, 1, 1, "a")]).await.unwrap();
    store_batch(conn, &[chat(app.id, 3)], &[message(app.id, 1, 2, "b"), message(app.id, 2, 1, "c")]).await.unwrap();
    let before = done(chats::rename(conn, app.id, chat_number(1), None, Timestamp::now(), any).await.unwrap());

    assert_eq!(add_up(conn, 1).await.unwrap(), 1);
    assert_eq!(add_up(conn, 100).await.unwrap(), 1);
    assert_eq!(add_up(conn, 100).await.unwrap(), 1);
    assert_eq!(add_up(conn, 100).await.unwrap(), 0);

    let after = chats::find(conn, app.id, chat_number(1)).await.unwrap().unwrap();
    assert_eq!(after, domain::Chat { messages_count: 2, ..before });
    assert_eq!(chats::find(conn, app.id, chat_number(2)).await.unwrap().unwrap().messages_count, 1);
    assert_eq!(chats::find(conn, app.id, chat_number(3)).await.unwrap().unwrap().messages_count, 0);
    assert_eq!(applications::find(conn, app.token).await.unwrap(), Some(domain::Application { chats_count: 3, ..app }));
}

#[tokio::test]
async fn many_marks_are_applied_in_chunks() {
    let db = Database::create().await;
    let store = db.store();
    let conn = &mut store.acquire().await.unwrap();
    let app = application(conn).await.id;
    add_chats(conn, app, 1..=2_600).await;
    let added: BTreeMap<_, _> = (1..=2_600).step_by(2).map(|number| ((app, chat_number(number)), number)).collect();
    counts::mark_chats(conn, &added, Timestamp::now()).await.unwrap();
    counts::mark_applications(conn, &(1..=1_300).map(|id| (ApplicationId::new(id), 1)).collect(), Timestamp::now())
        .await
        .unwrap();
    apply_all(&store, 10_000).await;
    let sum: u64 = (1..=2_600).step_by(2).sum();
    assert_eq!(figure(conn, "SELECT SUM(messages_count) FROM chats").await.unwrap(), sum);
    assert_eq!(figure(conn, "SELECT COUNT(*) FROM chats WHERE messages_count IN (0, number)").await.unwrap(), 2_600);
    assert_eq!(figure(conn, "SELECT COUNT(*) FROM dirty_applications").await.unwrap(), 0);
}

#[tokio::test]
async fn the_job_passes_over_a_mark_that_a_writer_holds() {
    let db = Database::create().await;
    let store = db.store();
    let (writer, job) = (&mut store.acquire().await.unwrap(), &mut store.acquire().await.unwrap());
    let app = application(writer).await.id;
    store_batch(writer, &[chat(app, 1), chat(app, 2)], &[message(app, 1, 1, "a"), message(app, 2, 1, "b")]).await.unwrap();
    transaction(writer, async |writer| {
        counts::mark_chats(writer, &BTreeMap::from([((app, chat_number(1)), 10)]), Timestamp::now()).await?;
        assert_eq!(add_up(job, 100).await?, 1);
        assert_eq!(chats::find(job, app, chat_number(2)).await?.unwrap().messages_count, 1);
        assert_eq!(chats::find(job, app, chat_number(1)).await?.unwrap().messages_count, 0);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    assert_eq!(add_up(job, 100).await.unwrap(), 1);
    assert_eq!(chats::find(job, app, chat_number(1)).await.unwrap().unwrap().messages_count, 11);
}

#[tokio::test]
async fn a_pass_comes_back_to_the_marks_that_were_held_and_to_no_others() {
    let db = Database::create().await;
    let store = db.store();
    let (writer, job) = (&mut store.acquire().await.unwrap(), &mut store.acquire().await.unwrap());
    let app = application(writer).await.id;
    let texts: Vec<_> = (1..=3).map(|number| message(app, number, 1, "a")).collect();
    store_batch(writer, &[chat(app, 1), chat(app, 2), chat(app, 3)], &texts).await.unwrap();
    let mut pass = counts::Pass::default();
    transaction(writer, async |writer| {
        counts::mark_applications(writer, &BTreeMap::from([(app, 10)]), Timestamp::now()).await?;
        counts::mark_chats(writer, &[2, 3].map(|number| ((app, chat_number(number)), 10)).into(), Timestamp::now()).await?;
        assert_eq!(counts::apply_next(job, &mut pass, 1).await?, 1);
        assert_eq!(counts::apply_next(job, &mut pass, 1).await?, 0);
        assert_eq!((counts::apply_next(job, &mut pass, 1).await?, pass.held()), (0, 3));
        assert_eq!((counts::apply_held(job, &mut pass).await?, pass.held()), (0, 3));
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    // What is stored behind the pass is not its own.
    store_batch(writer, &[], &[message(app, 1, 2, "b")]).await.unwrap();
    assert_eq!((counts::apply_held(job, &mut pass).await.unwrap(), pass.held()), (3, 0));
    for (number, expected) in [(1, 1), (2, 11), (3, 11)] {
        assert_eq!(chats::find(job, app, chat_number(number)).await.unwrap().unwrap().messages_count, expected);
    }
    assert_eq!(figure(job, "SELECT chats_count FROM applications").await.unwrap(), 13);
    assert_eq!(add_up(job, 10).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_count_is_lost_while_writers_redeliveries_edits_and_two_jobs_run() {
    const WRITERS: u64 = 6;
    const BATCHES: u64 = 15;
    let db = Database::create().await;
    let store = db.store();
    let conn = &mut store.acquire().await.unwrap();
    let apps = [application(conn).await.id, application(conn).await.id];
    for app in apps {
        add_chats(conn, app, 1..=5).await;
        counts::mark_applications(conn, &BTreeMap::from([(app, 5)]), Timestamp::now()).await.unwrap();
    }
    let done = Arc::new(AtomicBool::new(false));
    let jobs: Vec<_> = (0..2)
        .map(|_| {
            let (store, done) = (store.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    apply_all(&store, 3).await;
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for batch in 0..BATCHES {
                    // A chat of its own in each application, and messages in chats that all writers share.
                    let new_chats: Vec<_> = apps.iter().map(|app| chat(*app, 100 + writer * BATCHES + batch)).collect();
                    let first = 1 + (writer * BATCHES + batch) * 4;
                    let new_messages: Vec<_> = apps
                        .iter()
                        .flat_map(|app| {
                            (1..=5).flat_map(move |chat| (first..first + 4).map(move |n| message(*app, chat, n, "t")))
                        })
                        .collect();
                    repeated(async || store_batch(&mut *store.acquire().await?, &new_chats, &new_messages).await).await;
                    // Delivered once more: the inserts fail, and nothing is marked.
                    let again = store_batch(&mut store.acquire().await.unwrap(), &new_chats, &new_messages).await;
                    assert!(again.is_err());
                    let rename = async || {
                        chats::rename(&mut *store.acquire().await?, apps[0], chat_number(1), None, Timestamp::now(), any).await
                    };
                    repeated(rename).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for job in jobs {
        job.await.unwrap();
    }
    apply_all(&store, 100).await;

    let wrong_chats = "SELECT COUNT(*) FROM chats c WHERE messages_count <> \
                       (SELECT COUNT(*) FROM messages m WHERE m.application_id = c.application_id AND m.chat_number = c.number)";
    let wrong_applications = "SELECT COUNT(*) FROM applications a WHERE chats_count <> \
                              (SELECT COUNT(*) FROM chats c WHERE c.application_id = a.id)";
    assert_eq!(figure(conn, wrong_chats).await.unwrap(), 0);
    assert_eq!(figure(conn, wrong_applications).await.unwrap(), 0);
    assert_eq!(figure(conn, "SELECT SUM(messages_count) FROM chats").await.unwrap(), WRITERS * BATCHES * 4 * 5 * 2);
    assert_eq!(figure(conn, "SELECT COUNT(*) FROM dirty_chats").await.unwrap(), 0);
}

#[tokio::test]
async fn a_named_lock_is_held_by_one_at_a_time_and_by_each_database_for_itself() {
    let (db, other) = (Database::create().await, Database::create().await);
    let (store, rival, elsewhere) = (db.store(), db.store(), other.store());
    let outcome = store
        .with_lock("counts", async {
            let rival = rival.with_lock("counts", async { "both" }).await.unwrap();
            let elsewhere = elsewhere.with_lock("counts", async { "elsewhere" }).await.unwrap();
            (rival, elsewhere)
        })
        .await
        .unwrap();
    assert_eq!(outcome, Some((None, Some("elsewhere"))));
    assert_eq!(rival.with_lock("counts", async { "now" }).await.unwrap(), Some("now"));
}
