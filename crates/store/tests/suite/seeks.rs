//! Every query finds its rows by an index: proven by the rows that the server itself counts as read, in tables that are large
//! enough for a scan to show.

use std::{collections::BTreeMap, fmt::Debug};

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, EventId, MessageNumber, PageLimit, PageRequest, Timestamp};
use events::{Epoch, Identity};
use store::{
    Connection, Error, Range, applications,
    applications::PageOfApplications,
    chats, counts,
    dead_letters::{self, DeadLetter, Filter, Reason},
    epochs, messages, outbox, transaction,
};

use super::support::{
    Database, add_chats, add_messages, add_up, any, application, body, chat, chat_number, message, message_number,
};

#[derive(diesel::QueryableByName)]
struct Status {
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

/// How many rows this session's statements have read so far.
async fn rows_read(conn: &mut Connection) -> u64 {
    let rows: Vec<Status> = diesel::sql_query("SHOW SESSION STATUS LIKE 'Handler_read%'").load(conn).await.unwrap();
    rows.iter().map(|row| row.value.parse::<u64>().unwrap()).sum()
}

/// Asserts that `work` reads at most `limit` rows.
async fn reads<T: Debug>(
    conn: &mut Connection,
    what: &str,
    limit: u64,
    work: impl AsyncFnOnce(&mut Connection) -> Result<T, Error>,
) {
    // Asking costs rows of its own: as many each time.
    let first = rows_read(conn).await;
    let second = rows_read(conn).await;
    work(conn).await.unwrap();
    let read = rows_read(conn).await - second - (second - first);
    assert!(read <= limit + DICTIONARY, "{what} reads {read} rows, {limit} should do");
}

/// A table that other tests have pushed out of the server's cache is opened anew, and what that reads of the dictionary counts
/// too. A scan of the smallest table here reads more.
const DICTIONARY: u64 = 60;
const ROWS: u64 = 5_000;
const EPOCHS: u64 = 100;

/// Tables of thousands of rows. Returns the application in whose middle chat most messages are.
async fn fill(db: &Database, conn: &mut Connection) -> domain::Application {
    let app = transaction(conn, async |conn| {
        for _ in 0..300 {
            application(conn).await;
        }
        let app = application(conn).await;
        for _ in 0..300 {
            application(conn).await;
        }
        Ok::<_, Error>(app)
    });
    let app = app.await.unwrap();
    add_chats(conn, app.id, 1..=ROWS).await;
    for chat in [1, 2, 3] {
        add_messages(conn, app.id, chat, 1..=ROWS).await;
    }
    let now = Timestamp::now();
    // One transaction, so that it does not take as many writes to the disk.
    transaction(conn, async |conn| {
        for _ in 0..ROWS {
            outbox::add(conn, &[], now, now).await?;
        }
        for number in 1..=ROWS / 10 {
            let identity = Identity {
                event_id: Some(EventId::generate()),
                application_id: Some(app.id),
                chat: Some(chat_number(2)),
                message: Some(message_number(number)),
            };
            let reason = Reason::Conflict;
            let letter = DeadLetter { reason, detail: String::new(), identity, payload: vec![], created_at: now };
            dead_letters::add(conn, &[letter]).await?;
        }
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    for _ in 0..EPOCHS {
        epochs::next(conn, "run", "reason", Epoch::new(0)).await.unwrap();
    }
    let closed: Vec<_> = (1..EPOCHS).map(Epoch::new).collect();
    epochs::close(conn, &closed).await.unwrap();
    // The index still holds them as open ones until they are purged, in the background, and a look into it counts them till then.
    db.sql("ALTER TABLE epochs FORCE").await;
    db.sql("ANALYZE TABLE applications, chats, messages, search_outbox, dead_letters, epochs").await;
    app
}

#[tokio::test]
async fn no_query_reads_more_rows_than_it_needs() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = fill(&db, conn).await;
    let (id, token, two, now) = (app.id, app.token, chat_number(2), Timestamp::now());
    let deep = message_number(ROWS - 100);
    let limit = PageLimit::new(10).unwrap();

    reads(conn, "applications::find", 2, async |conn| applications::find(conn, token).await).await;
    reads(conn, "applications::id_of", 2, async |conn| applications::id_of(conn, token).await).await;
    reads(conn, "applications::find_by_ids", 6, async |conn| applications::find_by_ids(conn, &[id, ApplicationId::new(9)]).await)
        .await;
    reads(conn, "applications::rename", 4, async |conn| applications::rename(conn, token, &app.name, now, any).await).await;
    for request in [
        PageOfApplications::First { limit },
        PageOfApplications::After { token, limit },
        PageOfApplications::Before { token, limit },
        PageOfApplications::Ordinal { page: 2, limit },
    ] {
        reads(conn, "applications::list", 24, async |conn| applications::list(conn, request).await).await;
    }

    reads(conn, "chats::find", 1, async |conn| chats::find(conn, id, two).await).await;
    reads(conn, "chats::find_by_token", 3, async |conn| chats::find_by_token(conn, token, two).await).await;
    reads(conn, "chats::locate", 3, async |conn| chats::locate(conn, token, two).await).await;
    reads(conn, "chats::rename", 3, async |conn| chats::rename(conn, id, two, None, now, any).await).await;
    reads(conn, "chats::highest", 4, async |conn| chats::highest(conn, id).await).await;
    let keys: Vec<_> = (1..=40).map(|turn| (id, chat_number(turn * 100))).collect();
    reads(conn, "chats::existing", 3 * 40, async |conn| chats::existing(conn, &keys).await).await;

    reads(conn, "messages::find", 1, async |conn| messages::find(conn, id, two, deep).await).await;
    reads(conn, "messages::find_by_token", 3, async |conn| messages::find_by_token(conn, token, two, deep).await).await;
    reads(conn, "messages::edit", 3, async |conn| messages::edit(conn, id, two, deep, &body("new"), now, any).await).await;
    reads(conn, "messages::highest", 4, async |conn| messages::highest(conn, id, two).await).await;
    reads(conn, "messages::scan", 12, async |conn| messages::scan(conn, id, two, deep.get(), 10).await).await;
    reads(conn, "messages::scan_back", 12, async |conn| messages::scan_back(conn, id, two, deep.get(), 10).await).await;
    reads(conn, "messages::count_up_to", 2 * 100 + 6, async |conn| messages::count_up_to(conn, id, two, 100).await).await;
    let numbers: Vec<MessageNumber> = (1..=40).map(|turn| message_number(turn * 100)).collect();
    reads(conn, "messages::by_numbers", 3 * 40, async |conn| messages::by_numbers(conn, id, two, &numbers).await).await;
    let keys: Vec<_> = numbers.iter().map(|number| (id, two, *number)).collect();
    reads(conn, "messages::stored_events", 3 * 40, async |conn| messages::stored_events(conn, &keys).await).await;
    let ranges = Range::cover((1..=500).map(|number| (id, chat_number(1 + number % 3), message_number(number))));
    reads(conn, "messages::documents", 3 * 500, async |conn| messages::documents(conn, &ranges).await).await;
    let range = Range { application_id: id, chat: two, first: deep, last: message_number(deep.get() + 9) };
    reads(conn, "messages::documents", 12, async |conn| messages::documents(conn, &[range]).await).await;

    let (behind, until) = ((id.get(), 2, deep.get()), (id.get(), 3));
    reads(conn, "messages::walk", 14, async |conn| messages::walk(conn, behind, until, 10).await).await;
    reads(conn, "messages::walk_versions", 14, async |conn| messages::walk_versions(conn, behind, until, 10).await).await;
    let behind = (id.get(), ROWS / 2);
    reads(conn, "counts::chats_behind", 34, async |conn| counts::chats_behind(conn, behind, None, 10).await).await;
    reads(conn, "counts::chats_behind", 34, async |conn| counts::chats_behind(conn, behind, Some(id), 10).await).await;
    reads(conn, "counts::applications_behind", 34, async |conn| counts::applications_behind(conn, 300, None, 10).await).await;
    reads(conn, "outbox::ends", 4, async |conn| outbox::ends(conn).await).await;
    reads(conn, "outbox::due", 22, async |conn| outbox::due(conn, now, 20).await).await;
    reads(conn, "outbox::depth", 2 * ROWS + 6, async |conn| outbox::depth(conn).await).await;
    reads(conn, "outbox::postpone", 6, async |conn| outbox::postpone(conn, &[7, 4_000], now).await).await;
    reads(conn, "outbox::remove", 6, async |conn| outbox::remove(conn, &[7, 4_000], None, now).await).await;
    reads(conn, "dead_letters::list", 12, async |conn| dead_letters::list(conn, 200, 10).await).await;
    let rejected = Filter { reason: Some(Reason::Rejected), resolved_too: false, after: 0, limit: 10 };
    reads(conn, "dead_letters::summaries", 4, async |conn| dead_letters::summaries(conn, &rejected).await).await;
    let conflicts = Filter { reason: Some(Reason::Conflict), after: 200, ..rejected };
    reads(conn, "dead_letters::summaries", 14, async |conn| dead_letters::summaries(conn, &conflicts).await).await;
    reads(conn, "dead_letters::unresolved", 4, async |conn| dead_letters::unresolved(conn, Reason::Rejected, None).await).await;
    reads(conn, "dead_letters::lock", 2, async |conn| dead_letters::lock(conn, 200).await).await;
    reads(conn, "dead_letters::is_empty", 2, async |conn| dead_letters::is_empty(conn).await).await;
    let events: Vec<_> = (0..100).map(|_| EventId::generate()).collect();
    reads(conn, "dead_letters::among", 3 * 100, async |conn| dead_letters::among(conn, &events).await).await;
    reads(conn, "epochs::highest", 2, async |conn| epochs::highest(conn).await).await;
    reads(conn, "epochs::next", 4, async |conn| epochs::next(conn, "run", "reason", Epoch::new(0)).await).await;
    reads(conn, "epochs::open_below", 5, async |conn| epochs::open_below(conn, Epoch::new(EPOCHS)).await).await;
    reads(conn, "epochs::close", 4, async |conn| epochs::close(conn, &[Epoch::new(EPOCHS)]).await).await;
    reads(conn, "epochs::history", 7, async |conn| epochs::history(conn, 5).await).await;
}

#[tokio::test]
async fn a_deep_page_costs_what_the_first_one_costs() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = fill(&db, conn).await.id;
    let limit = PageLimit::new(10).unwrap();
    let deep = [
        PageRequest::first(limit),
        PageRequest::After { after: ROWS - 50, limit },
        PageRequest::Before { before: ROWS - 50, limit },
        PageRequest::Before { before: 50, limit },
        PageRequest::ordinal(ROWS / 10 - 5, limit).unwrap(),
    ];
    for request in deep {
        reads(conn, &format!("chats {request:?}"), 16, async |conn| chats::list(conn, app, request).await).await;
        let two = chat_number(2);
        reads(conn, &format!("messages {request:?}"), 16, async |conn| messages::list(conn, app, two, request).await).await;
    }
}

#[tokio::test]
async fn writing_and_counting_read_only_what_they_touch() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = fill(&db, conn).await.id;
    let new_messages: Vec<_> = (1..=100).map(|number| message(app, 2, ROWS + number, "text")).collect();
    reads(conn, "messages::insert", 0, async |conn| messages::insert(conn, &new_messages).await).await;
    reads(conn, "chats::insert", 0, async |conn| chats::insert(conn, &[chat(app, ROWS + 1)]).await).await;

    let marks: BTreeMap<_, _> = (1..=ROWS / 4).map(|number| ((app, chat_number(number * 3)), 1)).collect();
    counts::mark_chats(conn, &marks, Timestamp::now()).await.unwrap();
    counts::mark_applications(conn, &(1..=600).map(|id| (ApplicationId::new(id), 1)).collect(), Timestamp::now()).await.unwrap();
    db.sql("ANALYZE TABLE dirty_chats, dirty_applications").await;
    let again = BTreeMap::from([((app, chat_number(30)), 1)]);
    reads(conn, "counts::mark_chats", 2, async |conn| counts::mark_chats(conn, &again, Timestamp::now()).await).await;
    // Each mark: locked, read for the sum, its chat found, deleted.
    reads(conn, "counts::apply_next of chats", 8 * 50, async |conn| add_up(conn, 50).await).await;
    while add_up(conn, 500).await.unwrap() == 500 {}
    db.sql("DELETE FROM dirty_chats").await;
    reads(conn, "counts::apply_next of applications", 8 * 50, async |conn| add_up(conn, 50).await).await;
}
