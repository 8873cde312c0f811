//! Search while Elasticsearch is away: small chats are read through, large ones are refused, nothing else is touched, and what
//! was written meanwhile is found once it is back.

use std::time::Duration;

use domain::ApplicationToken;
use futures_util::future::join_all;
use mysql_async::{Conn, prelude::Queryable};
use serde_json::json;
use testkit::{Server, System, eventually};
use tokio::time::sleep;

const SCAN_LIMIT: u64 = 10;
/// What is promised for every answer, and a little for a busy machine.
const ANSWERED_WITHIN: Duration = Duration::from_millis(3_300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_elasticsearch_small_chats_are_scanned_and_the_index_catches_up() {
    let system = System::builder().own(Server::Elasticsearch).set("CHAT__API__SCAN_LIMIT", SCAN_LIMIT).start().await;
    let application = system.create_application("dark").await;
    let (small, large) = (application.create_chat().await, application.create_chat().await);
    small.post("before the fall").await;
    small.post("nothing").await;
    for number in 1..=SCAN_LIMIT + 1 {
        large.post(&format!("fall {number}")).await;
    }
    large.await_found("FALL", &(1..=SCAN_LIMIT + 1).collect::<Vec<u64>>(), Duration::from_secs(10)).await;
    small.await_found("fall", &[1], Duration::from_secs(10)).await;

    system.stack().kill(Server::Elasticsearch).await.unwrap();
    // Writing, reading and editing go on.
    assert_eq!(small.post("during the Fall").await, 3);
    small.await_stored(3).await;
    small.edit(2, "an edit of the fall").await.expect(200);
    let page = small.search_page(&[("query", "FALL")]).await;
    let numbers = |page: serde_json::Value| -> Vec<u64> {
        page.as_array().unwrap().iter().map(|hit| hit["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(page.header("x-search-source"), Some("scan"));
    assert_eq!(numbers(page.expect(200)), [1, 2, 3]);
    let page = small.search_page(&[("query", "fall"), ("limit", "2")]).await;
    assert_eq!((numbers(page.expect(200)), page.header("link").is_some()), (vec![1, 2], true));
    let page = small.search_page(&[("query", "fall"), ("limit", "2"), ("after", "2")]).await;
    assert_eq!(numbers(page.expect(200)), [3]);
    let before = page.header("link").unwrap().to_owned();
    assert_eq!(before, format!("<{}/messages/search?query=fall&before=3&limit=2>; rel=\"prev\"", small.path()));
    let page = small.search_page(&[("query", "fall"), ("limit", "1"), ("before", "3"), ("highlight", "utf16")]).await;
    let (found, links) = (page.expect(200), page.header("link").unwrap());
    assert_eq!(found[0]["highlights"], serde_json::json!([{ "start": 15, "end": 19 }]));
    assert!(links.contains("after=2&limit=1") && links.contains("before=2&limit=1"), "{links}");
    assert_eq!(numbers(found), [2]);

    let refused = large.search_page(&[("query", "fall")]).await;
    refused.problem(503, "dependency_unavailable");
    assert_eq!(refused.header("x-search-source"), Some("none"));
    assert!(refused.took < ANSWERED_WITHIN, "{:?}", refused.took);
    application.chat(3).search_page(&[("query", "fall")]).await.problem(404, "chat_not_found");

    // Degraded, and in service.
    for service in [testkit::Service::Api, testkit::Service::Consumer] {
        let ready = system.ask(service, "GET", "/readyz").send().await.expect(200);
        assert_eq!((&ready["status"], &ready["dependencies"]["elasticsearch"]["state"]), (&"degraded".into(), &"down".into()));
    }

    system.stack().start(Server::Elasticsearch).await.unwrap();
    let by_index = async || {
        let page = small.search_page(&[("query", "fall")]).await;
        page.status == 200 && page.header("x-search-source") == Some("index") && numbers(page.json()) == [1, 2, 3]
    };
    eventually("the index has caught up", Duration::from_secs(20), by_index).await;
    assert_eq!(small.search("nothing").await, Vec::<u64>::new());
    large.await_found("fall", &(1..=SCAN_LIMIT + 1).collect::<Vec<u64>>(), Duration::from_secs(10)).await;
    let outbox_is_empty = async || store::outbox::depth(&mut system.store().acquire().await.unwrap()).await.unwrap() == 0;
    eventually("the outbox is empty", Duration::from_secs(15), outbox_is_empty).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_of_long_texts_is_answered_in_time_and_goes_on_behind_its_link() {
    /// Of them each is made eighteen by folding.
    const LONG: &str = "\u{fdfa}";
    const MESSAGES: u64 = 600;
    /// How many search at once.
    const CLIENTS: usize = 16;
    let system = System::builder().own(Server::Elasticsearch).start().await;
    let chat = system.create_application("dark and long").await.create_chat().await;
    system.stack().kill(Server::Elasticsearch).await.unwrap();
    let text = |number: u64| if number.is_multiple_of(MESSAGES / 2) { "needle".to_owned() } else { LONG.repeat(1_000) };
    for first in (1..=MESSAGES).step_by(100) {
        let messages: Vec<_> = (first..first + 100).map(|number| json!({ "body": text(number) })).collect();
        chat.attempt_batch(json!({ "messages": messages })).send().await.expect(201);
    }
    chat.await_stored(MESSAGES).await;

    let (mut found, mut refused) = (Vec::new(), 0);
    let mut next = Some(format!("{}/messages/search?query=needle&limit=1", chat.path()));
    while let Some(path) = next {
        let page = system.api("GET", &path).send().await;
        assert!(page.took < ANSWERED_WITHIN, "{:?}", page.took);
        // On a busy machine time may pass before anything is read, and the client tries again.
        if page.status == 503 && refused < 10 {
            (refused, next) = (refused + 1, Some(path));
            continue;
        }
        assert_eq!(page.header("x-search-source"), Some("scan"));
        found.extend(page.expect(200).as_array().unwrap().iter().map(|hit| hit["number"].as_u64().unwrap()));
        next = page.link("next").map(str::to_owned);
    }
    assert_eq!(found, [MESSAGES / 2, MESSAGES]);

    // Many at once take turns: each is answered in time, by a part or by a refusal.
    let pages = join_all((0..CLIENTS).map(|_| chat.search_page(&[("query", "needle")]))).await;
    for page in pages {
        assert!(page.took < ANSWERED_WITHIN, "{:?}", page.took);
        match page.header("x-search-source") {
            Some("scan") => drop(page.expect(200)),
            // Its turn did not come, or came too late.
            _ => drop(page.problem(503, if page.text().contains("timeout") { "timeout" } else { "dependency_unavailable" })),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_that_had_to_be_waited_for_is_scanned_all_the_same() {
    /// How long after the search's beginning the chat may be stored: there is time left then, but not for all that the index is
    /// waited for.
    const LATE: Duration = Duration::from_millis(1_100);
    let system = System::builder().own(Server::Elasticsearch).start().await;
    let application = system.create_application("late").await;
    application.create_chat().await.read().await.expect(200);
    let token = ApplicationToken::parse(&application.token).unwrap();
    let id = store::applications::id_of(&mut system.store().acquire().await.unwrap(), token).await.unwrap().unwrap();
    let mut locker = Conn::from_url(system.config::<api::Config>().mysql.url).await.unwrap();
    // It hangs, and does not refuse.
    system.stack().pause(Server::Elasticsearch).unwrap();

    let mut answers = Vec::new();
    // On a busy machine storing may take longer still, and then another chat is tried.
    for number in 2..=6 {
        // Its place is taken until that is taken back.
        locker.query_drop("BEGIN").await.unwrap();
        let columns = "INSERT INTO chats (application_id, number, event_id, created_at, updated_at)";
        let row = format!("{columns} VALUES ({}, {number}, UNHEX(REPEAT('ab', 16)), NOW(3), NOW(3))", id.get());
        locker.query_drop(row).await.unwrap();
        let chat = application.create_chat().await;
        assert_eq!(chat.number, number);
        let freed = async {
            sleep(LATE).await;
            locker.query_drop("ROLLBACK").await.unwrap();
        };
        let (page, ()) = tokio::join!(chat.search_page(&[("query", "x")]), freed);
        assert!(page.took < ANSWERED_WITHIN, "{:?}", page.took);
        let is_scanned = page.header("x-search-source") == Some("scan");
        answers.push((page.status, page.text()));
        if is_scanned {
            break;
        }
    }
    system.stack().resume(Server::Elasticsearch).unwrap();
    locker.disconnect().await.unwrap();
    assert_eq!(answers.last(), Some(&(200, "[]".to_owned())), "{answers:?}");
}
