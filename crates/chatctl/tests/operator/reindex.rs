//! `chatctl reindex`: nobody who searches notices, nothing that is written meanwhile is missing, and a kill costs only time.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use mysql_async::prelude::Queryable;
use serde_json::json;
use store::{outbox, reindexes};
use testkit::{Chat, System, eventually};

use crate::{
    process::{chatctl, command, fails, succeeds},
    world::{self, Index, id_of, version},
};

const SOON: Duration = Duration::from_secs(20);

/// Searches until told to stop. Whatever any search has found before one begins, that one must find too.
async fn hammer(chat: Chat, seen: Arc<Mutex<BTreeSet<u64>>>, stop: Arc<AtomicBool>, searches: Arc<AtomicU64>) {
    while !stop.load(Ordering::Relaxed) {
        let before = seen.lock().unwrap().clone();
        let (mut found, mut after) = (BTreeSet::new(), 0);
        loop {
            let page = chat.search_page(&[("query", "needle"), ("limit", "100"), ("after", &after.to_string())]).await;
            assert_eq!((page.status, page.header("x-search-source")), (200, Some("index")), "{}", page.text());
            let numbers: Vec<u64> = page.json().as_array().unwrap().iter().map(|hit| hit["number"].as_u64().unwrap()).collect();
            found.extend(&numbers);
            if numbers.len() < 100 {
                break;
            }
            after = numbers[99];
        }
        let lost: Vec<_> = before.difference(&found).collect();
        assert!(lost.is_empty(), "found before, and no more: {lost:?}");
        seen.lock().unwrap().extend(found);
        searches.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_searches_and_writes_meanwhile_notices_nothing() {
    let system = System::start().await;
    let application = system.create_application("searched").await;
    let chat = application.create_chat().await;
    let bodies: Vec<_> = (1..=500).map(|number| json!({ "body": format!("hay {number} of the stack") })).collect();
    for _ in 0..6 {
        chat.attempt_batch(json!({ "messages": bodies })).send().await.expect(201);
    }
    for _ in 0..20 {
        chat.post("a needle in it").await;
    }
    chat.await_found("needle", &(3_001..=3_020).collect::<Vec<_>>(), SOON).await;

    let (seen, stop, searches) = (Arc::default(), Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let searchers: Vec<_> =
        (0..2).map(|_| tokio::spawn(hammer(chat.clone(), Arc::clone(&seen), Arc::clone(&stop), Arc::clone(&searches)))).collect();
    let writer = {
        let (chat, stop) = (chat.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut last = 0;
            for turn in 1.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                last = chat.post("one more needle").await;
                chat.edit(turn % 3_000 + 1, &format!("hay of turn {turn}")).await.expect(200);
            }
            last
        })
    };
    let said = chatctl(&system, &["reindex"]).await;
    stop.store(true, Ordering::Relaxed);
    for searcher in searchers {
        searcher.await.unwrap();
    }
    let last = writer.await.unwrap();
    assert!(said.success, "{said:?}");
    let text = said.text();
    assert!(text.contains("making version 2 beside version 1\n") && text.contains("version 1 is removed\n"), "{text}");
    assert_eq!(Index::of(&system).versions().await, [version("-v2", &[""])]);
    chat.await_found("needle", &(3_001..=last).collect::<Vec<_>>(), SOON).await;
    let said = succeeds(&system, &["verify", "--json"]).await.json();
    assert_eq!(said["checked"]["messages"], said["checked"]["documents"], "{said}");
    println!("{} searches, {} messages found at last", searches.load(Ordering::Relaxed), last - 3_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_was_killed_goes_on_where_it_stood() {
    let system = System::start().await;
    let application = system.create_application("large").await;
    let chat = application.create_chat().await;
    chat.post("the first").await;
    chat.await_found("the first", &[1], SOON).await;
    let id = id_of(&system, &application).await;
    // Only MySQL knows of these: what is made anew is made from there.
    let many: Vec<_> = (2..=20_001).map(|number| world::message(id, number, &format!("message {number} of many"))).collect();
    for some in many.chunks(2_000) {
        world::store(&system, some, None).await;
    }
    let current = async || reindexes::current(&mut system.store().acquire().await.unwrap()).await.unwrap();

    let mut first = command(&system, &["reindex", "--workers", "1"]).spawn().unwrap();
    eventually("a part is copied", Duration::from_secs(60), async || current().await.is_some_and(|at| at.copied > 0)).await;
    first.kill().await.unwrap();
    let copied = current().await.unwrap().copied;
    assert!((1..20_001).contains(&copied), "{copied}");
    let index = Index::of(&system);
    assert_eq!(index.versions().await, [version("-v1", &[""]), version("-v2", &["-next"])]);
    // Nothing suffers while nobody goes on with it.
    chat.edit(1, "the first, edited").await.expect(200);
    chat.await_found("first, edited", &[1], SOON).await;

    let said = succeeds(&system, &["reindex", "--keep-old"]).await.text();
    assert!(said.starts_with(&format!("going on with version 2, behind {} messages\n", thousands(copied))), "{said}");
    assert_eq!(index.versions().await, [version("-v1", &[]), version("-v2", &[""])]);
    assert_eq!(current().await, None);
    chat.await_found("message 20001 of many", &[20_001], SOON).await;
    assert_eq!(chat.search("first, edited").await, [1]);
    let said = succeeds(&system, &["verify", "--json", "--rate", "100000"]).await.json();
    assert_eq!((&said["checked"]["messages"], &said["checked"]["documents"]), (&json!(20_001), &json!(20_001)), "{said}");
}

/// As behind an upgrade whose documents have other fields.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_no_document_fits_is_replaced_by_one_that_they_do() {
    let system = System::start().await;
    let chat = system.create_application("upgraded").await.create_chat().await;
    chat.post("stored before").await;
    chat.await_found("stored", &[1], SOON).await;
    let index = Index::of(&system);
    index.lose(1).await;
    index.make_for_other_fields(1).await;

    chat.post("stored behind the upgrade").await;
    chat.await_stored(2).await;
    let page = chat.search_page(&[("query", "stored")]).await;
    assert_eq!((page.status, page.header("x-search-source")), (200, Some("scan")), "{}", page.text());
    let waiting = async || outbox::depth(&mut system.store().acquire().await.unwrap()).await.unwrap();
    assert!(waiting().await > 0);

    let said = succeeds(&system, &["reindex"]).await.text();
    assert!(said.contains("making version 2 beside version 1\n") && said.contains("version 1 is removed\n"), "{said}");
    assert_eq!(index.versions().await, [version("-v2", &[""])]);
    eventually("all that waited is indexed", SOON, async || waiting().await == 0).await;
    let page = chat.search_page(&[("query", "stored")]).await;
    assert_eq!((page.status, page.header("x-search-source")), (200, Some("index")), "{}", page.text());
    assert_eq!(chat.search("stored").await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_was_broken_off_can_be_given_up() {
    let system = System::start().await;
    let chat = system.create_application("undecided").await.create_chat().await;
    assert!(fails(&system, &["reindex", "--abort"]).await.err.contains("no reindex is under way"));
    // As if it had been killed at once: consumers are told to write to a version that is not there.
    reindexes::begin(&mut system.store().acquire().await.unwrap(), 2, 1, domain::Timestamp::now()).await.unwrap();
    chat.post("stored while nobody knows where to").await;
    // Searches do not suffer by it, and what they find is kept for the version to come.
    chat.await_found("nobody knows", &[1], SOON).await;
    chat.edit(1, "stored and edited while nobody knows where to").await.expect(200);
    chat.await_found("edited", &[1], SOON).await;
    assert!(outbox::depth(&mut system.store().acquire().await.unwrap()).await.unwrap() > 0);
    let index = Index::of(&system);
    assert_eq!(index.versions().await, [version("-v1", &[""])]);
    assert_eq!(succeeds(&system, &["reindex", "--abort"]).await.text(), "given up; version 1 stays in use\n");
    chat.await_found("nobody knows", &[1], SOON).await;
    assert_eq!(index.versions().await, [version("-v1", &[""])]);
    // And one that is not given up.
    reindexes::begin(&mut system.store().acquire().await.unwrap(), 2, 1, domain::Timestamp::now()).await.unwrap();
    chat.post("stored meanwhile").await;
    assert!(succeeds(&system, &["reindex"]).await.text().contains("version 2 is in use\n"));
    chat.await_found("stored", &[1, 2], SOON).await;
    assert_eq!(index.versions().await, [version("-v2", &[""])]);
}

/// Until the index is whole again searches must not take a part of it for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_index_is_made_from_what_is_stored_and_searched_only_then() {
    let system = System::start().await;
    let chat = system.create_application("bereft").await.create_chat().await;
    for number in 1..=3 {
        chat.post(&format!("text {number}")).await;
    }
    chat.await_found("text", &[1, 2, 3], SOON).await;
    let index = Index::of(&system);
    index.lose(1).await;
    chat.post("text 4, stored without an index").await;
    chat.await_stored(4).await;
    assert!(succeeds(&system, &["migrate"]).await.text().contains("search index: missing, though messages are stored"));
    assert_eq!(index.versions().await, []);
    let page = chat.search_page(&[("query", "text")]).await;
    assert_eq!((page.status, page.header("x-search-source")), (200, Some("scan")), "{}", page.text());

    let said = succeeds(&system, &["reindex"]).await.text();
    assert!(said.starts_with("making version 1; none is in use\n") && said.contains("version 1 is in use\n"), "{said}");
    assert_eq!(index.versions().await, [version("-v1", &[""])]);
    let page = chat.search_page(&[("query", "text")]).await;
    assert_eq!((page.status, page.header("x-search-source")), (200, Some("index")), "{}", page.text());
    chat.await_found("text", &[1, 2, 3, 4], SOON).await;
    let said = succeeds(&system, &["verify", "--json"]).await.json();
    assert_eq!(said["checked"]["messages"], said["checked"]["documents"], "{said}");
    assert!(succeeds(&system, &["migrate"]).await.text().ends_with("search index: ready\n"));
}

/// The place that is noted must never be that of a version that is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_killed_when_it_has_made_a_lost_version_anew_copies_all_to_it() {
    let system = System::start().await;
    let application = system.create_application("twice unlucky").await;
    let chat = application.create_chat().await;
    chat.post("text 1").await;
    chat.await_found("text", &[1], SOON).await;
    let id = id_of(&system, &application).await;
    let others: Vec<_> = (2..=100).map(|number| world::message(id, number, &format!("text {number}"))).collect();
    world::store(&system, &others, None).await;
    // As it stood when the version was lost.
    let store = &mut system.store().acquire().await.unwrap();
    reindexes::begin(store, 2, 1, domain::Timestamp::now()).await.unwrap();
    let reindex = reindexes::current(store).await.unwrap().unwrap();
    reindexes::advance(store, reindex.id, (id.get(), 1, 100), 100).await.unwrap();

    // It can make the version, and cannot read what to copy.
    let mut locker = world::connection(&system).await;
    locker.query_drop("LOCK TABLES messages WRITE").await.unwrap();
    let index = Index::of(&system);
    let mut killed = command(&system, &["reindex"]).spawn().unwrap();
    eventually("the version is made", SOON, async || index.versions().await.contains(&version("-v2", &["-next"]))).await;
    killed.kill().await.unwrap();
    locker.query_drop("UNLOCK TABLES").await.unwrap();
    locker.disconnect().await.unwrap();

    assert!(succeeds(&system, &["reindex"]).await.text().contains("version 2 is in use\n"));
    chat.await_found("text", &(1..=100).collect::<Vec<_>>(), SOON).await;
}

fn thousands(number: u64) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}
