//! Who reads a list by its links alone, and never asks for a page again, sees every number once and in order, also where one is
//! stored behind a higher one. A number that never comes holds nobody up for long.

use std::time::{Duration, Instant};

use domain::{ApplicationId, ApplicationToken, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
use events::{ChatCreated, MessageCreated};
use futures_util::future::join_all;
use mysql_async::{Conn, prelude::Queryable};
use sequencer::{Adoption, MessageIssue, Sequencer};
use serde_json::Value;
use testkit::{Answer, Application, Builder, Chat, Client, Service, System, eventually};

/// For how many seconds a missing number is waited for in any case: longer than a test takes.
const HOLD_S: u64 = 300;
/// An answer that waited for no number.
const AT_ONCE: Duration = Duration::from_millis(800);
const PATIENCE: Duration = Duration::from_secs(120);

fn patient() -> Builder {
    System::builder().set("CHAT__API__GAP_HOLD_S", HOLD_S)
}

fn numbers(list: &Value) -> Vec<u64> {
    list.as_array().unwrap_or_else(|| panic!("{list} is no list")).iter().map(|entry| entry["number"].as_u64().unwrap()).collect()
}

/// The address of a neighbour.
fn link(answer: &Answer, relation: &str) -> Option<String> {
    let ending = format!("; rel=\"{relation}\"");
    let address = |link: &str| Some(link.strip_suffix(&ending)?.strip_prefix('<')?.strip_suffix('>')?.to_owned());
    answer.header("link")?.split(", ").find_map(address)
}

/// A page's numbers, the address of what comes behind it in that direction, and how long it took.
async fn page(client: &Client, path: &str, relation: &str) -> (Vec<u64>, Option<String>, Duration) {
    let answer = client.ask(Service::Api, "GET", path).send().await;
    (numbers(&answer.expect(200)), link(&answer, relation), answer.took)
}

/// Follows a list that grows until it has `all` numbers: by `next`, and at the list's end from the last number it has. Returns
/// how often a page ended before the list did and was not full.
async fn follow(client: Client, list: String, limit: usize, all: u64) -> usize {
    let (began, mut found, mut held) = (Instant::now(), 0, 0);
    let mut next = format!("{list}?limit={limit}");
    while found < all {
        assert!(began.elapsed() < PATIENCE, "only {found} of {all}");
        let (page, behind, _) = page(&client, &next, "next").await;
        let expected: Vec<u64> = (found + 1..).take(page.len()).collect();
        assert_eq!(page, expected, "{next} passes over a number");
        held += usize::from(behind.is_some() && page.len() < limit);
        found += page.len() as u64;
        next = behind.unwrap_or_else(|| format!("{list}?limit={limit}&after={found}"));
    }
    held
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_who_follow_the_links_see_all_that_two_replicas_create_at_once() {
    const WRITERS: usize = 16;
    const EACH: usize = 20;
    const ALL: u64 = (WRITERS * EACH) as u64;
    // As many transactions as possible, so that many neighbours are stored in different ones.
    let system = System::builder()
        .replicas(Service::Ingest, 2)
        .set("CHAT_QUEUE_THRESHOLD", 1)
        .set("MESSAGE_QUEUE_THRESHOLD", 1)
        .set("CHAT__AMQP__PARTITIONS", 4)
        .start()
        .await;
    let application = system.create_application("growing").await;
    let chat = application.create_chat().await;
    chat.read().await.expect(200);
    let lists = [(chat.path() + "/messages", ALL), (application.path() + "/chats", ALL + 1)];
    let readers = lists.iter().flat_map(|(list, all)| {
        [3, 7, 100].map(|limit| tokio::spawn(follow(system.client().clone(), list.clone(), limit, *all)))
    });
    let readers: Vec<_> = readers.collect();
    let write = async || {
        for _ in 0..EACH {
            tokio::join!(chat.post("text"), application.create_chat());
        }
    };
    join_all((0..WRITERS).map(|_| write())).await;
    let mut held = 0;
    for reader in readers {
        held += reader.await.unwrap();
    }
    println!("{ALL} messages and chats, 6 readers: {held} pages ended before a number that came later");
}

/// A number is taken, and whoever took it is not heard of for now.
async fn take(system: &System, chat: &Chat, application: &Application) -> (ApplicationId, u64) {
    let sequencer = Sequencer::connect(&system.config::<ingest::Config>().redis).unwrap();
    let Adoption::Adopted(adopted) = sequencer.adopt().await.unwrap() else { panic!("no epoch is open") };
    let token = ApplicationToken::parse(&application.token).unwrap();
    match sequencer.issue_messages_once(&adopted, token, ChatNumber::new(chat.number).unwrap(), 1, None, None).await.unwrap() {
        MessageIssue::Issued { application_id, number } => (application_id, number.get()),
        other => panic!("{other:?}"),
    }
}

/// Stores a message as the consumer does.
async fn store_late(system: &System, application_id: ApplicationId, chat: &Chat, number: u64) {
    let message = MessageCreated {
        event_id: EventId::generate(),
        application_id,
        chat: ChatNumber::new(chat.number).unwrap(),
        number: MessageNumber::new(number).unwrap(),
        body: MessageBody::new("late").unwrap(),
        created_at: Timestamp::now(),
        request_id: "late".to_owned(),
        trace: None,
    };
    store::messages::insert(&mut system.store().acquire().await.unwrap(), &[message]).await.unwrap();
}

/// A chat with the messages 1, 2, 4 and 5, of which 3 was taken.
async fn with_gap(system: &System) -> (Chat, ApplicationId) {
    let application = system.create_application("gap").await;
    let chat = application.create_chat().await;
    assert_eq!((chat.post("one").await, chat.post("two").await), (1, 2));
    let (application_id, taken) = take(system, &chat, &application).await;
    assert_eq!((taken, chat.post("four").await, chat.post("five").await), (3, 4, 5));
    chat.await_stored(5).await;
    (chat, application_id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_late_is_seen_in_its_place_in_both_directions() {
    let system = patient().start().await;
    let client = system.client();
    let (chat, application_id) = with_gap(&system).await;
    let list = chat.path() + "/messages";
    for (query, before_the_gap) in [("", vec![1, 2]), ("?page=1", vec![1, 2]), ("?limit=2", vec![1, 2]), ("?after=1", vec![2])] {
        let (shown, next, took) = page(client, &format!("{list}{query}"), "next").await;
        assert_eq!((shown, took < AT_ONCE), (before_the_gap, true), "{query}");
        let limit = if query == "?limit=2" { 2 } else { 50 };
        assert_eq!(next, Some(format!("{list}?after=2&limit={limit}")), "{query}");
    }
    let downwards = format!("{list}?before=100");
    let (shown, previous, _) = page(client, &downwards, "prev").await;
    assert_eq!((shown, previous.as_deref()), (vec![4, 5], Some(format!("{list}?before=4&limit=50").as_str())));
    // A page that begins with the gap waits for it, and leads to itself.
    for (cursor, relation) in [("after=2", "next"), ("before=4", "prev")] {
        let path = format!("{list}?{cursor}&limit=50");
        let (shown, again, took) = page(client, &path, relation).await;
        assert_eq!((shown, again), (vec![], Some(path)), "{cursor}");
        assert!(took > AT_ONCE && took < Duration::from_secs(5), "{took:?}");
    }
    let (upwards, downwards) = (format!("{list}?after=2&limit=2"), previous.unwrap());
    let late = async {
        let (up, down) = tokio::join!(page(client, &upwards, "next"), page(client, &downwards, "prev"));
        (up.0, up.1, down.0, down.1)
    };
    let (read, ()) = tokio::join!(late, store_late(&system, application_id, &chat, 3));
    assert_eq!(read, (vec![3, 4], Some(format!("{list}?after=4&limit=2")), vec![1, 2, 3], None));
    assert_eq!(page(client, &list, "next").await.0, [1, 2, 3, 4, 5]);
}

/// Makes everything in the table so much older, or younger.
async fn age(system: &System, table: &str, seconds: i64) {
    let mut database = Conn::from_url(system.config::<api::Config>().mysql.url).await.unwrap();
    let older = format!("UPDATE {table} SET created_at = created_at - INTERVAL {seconds} SECOND");
    database.query_drop(older).await.unwrap();
    database.disconnect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_never_comes_holds_nobody_up_for_long() {
    let system = System::builder().set("CHAT__API__GAP_HOLD_S", 4).start().await;
    let (chat, _) = with_gap(&system).await;
    let (list, began) = (chat.path() + "/messages", Instant::now());
    let whole = async || page(system.client(), &list, "next").await.0 == [1, 2, 4, 5];
    eventually("the gap is passed over", PATIENCE, whole).await;
    println!("passed over {:?} after it was there", began.elapsed());
    assert_eq!(page(system.client(), &format!("{list}?after=2"), "next").await.0, [4, 5]);
    assert_eq!(page(system.client(), &format!("{list}?before=4"), "prev").await.0, [1, 2]);
}

/// As an ingest stores it whose clock goes wrong by a day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_from_the_future_holds_nobody_up_for_long() {
    let system = System::builder().set("CHAT__API__GAP_HOLD_S", 4).start().await;
    let (chat, application_id) = with_gap(&system).await;
    age(&system, "messages", -24 * 3_600).await;
    let list = chat.path() + "/messages";
    let shown = async || page(system.client(), &list, "next").await.0;
    assert_eq!(shown().await, [1, 2]);
    eventually("the gap is passed over", PATIENCE, async || shown().await == [1, 2, 4, 5]).await;
    // The next gap has a time of its own.
    store_late(&system, application_id, &chat, 7).await;
    assert_eq!(shown().await, [1, 2, 4, 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_is_passed_over_when_it_is_proven_or_old() {
    let system = patient().start().await;
    let (chat, application_id) = with_gap(&system).await;
    let list = chat.path() + "/messages";
    let shown = async || page(system.client(), &list, "next").await.0;
    assert_eq!(shown().await, [1, 2]);
    // A fence proves it …
    age(&system, "messages", HOLD_S as i64).await;
    eventually("a fence proves the gap", PATIENCE, async || shown().await == [1, 2, 4, 5]).await;
    assert_eq!(page(system.client(), &format!("{list}?before=4"), "prev").await.0, [1, 2]);
    // … once and for all …
    system.stop(Service::Consumer).await;
    assert_eq!(shown().await, [1, 2, 4, 5]);
    // … and for whom it has not, nothing is proven without a consumer …
    system.stop(Service::Api).await;
    system.launch(Service::Api).await;
    assert_eq!(shown().await, [1, 2]);
    assert!(page(system.client(), &format!("{list}?after=2"), "next").await.0.is_empty());
    assert!(page(system.client(), &format!("{list}?before=4"), "prev").await.0.is_empty());
    // … but by something that stood behind it in the queue and is stored.
    store_late(&system, application_id, &chat, 6).await;
    assert_eq!(shown().await, [1, 2, 4, 5, 6]);
    // What is old needs no proof. The one before 8 is not.
    age(&system, "messages", 3_600).await;
    store_late(&system, application_id, &chat, 8).await;
    let (shown, next, took) = page(system.client(), &list, "next").await;
    assert_eq!((shown, next), (vec![1, 2, 4, 5, 6], Some(format!("{list}?after=6&limit=50"))));
    assert!(took < AT_ONCE, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_that_comes_late_is_seen_in_its_place() {
    let system = patient().start().await;
    let client = system.client();
    let application = system.create_application("chats").await;
    for _ in 0..2 {
        application.create_chat().await.read().await.expect(200);
    }
    let list = application.path() + "/chats";
    let token = ApplicationToken::parse(&application.token).unwrap();
    let conn = &mut *system.store().acquire().await.unwrap();
    let application_id = store::applications::id_of(conn, token).await.unwrap().unwrap();
    let chat = |number| ChatCreated {
        event_id: EventId::generate(),
        application_id,
        number: ChatNumber::new(number).unwrap(),
        name: None,
        created_at: Timestamp::now(),
        request_id: "late".to_owned(),
        trace: None,
    };
    store::chats::insert(conn, &[chat(4)]).await.unwrap();
    let (shown, next, _) = page(client, &list, "next").await;
    assert_eq!((shown, next.as_deref()), (vec![1, 2], Some(format!("{list}?after=2&limit=50").as_str())));
    store::chats::insert(conn, &[chat(3), chat(6)]).await.unwrap();
    assert_eq!(page(client, &next.unwrap(), "next").await.0, [3, 4]);
    // 5 was never taken: fences in all queues prove it.
    age(&system, "chats", HOLD_S as i64).await;
    let whole = async || page(client, &list, "next").await.0 == [1, 2, 3, 4, 6];
    eventually("fences prove the gap", PATIENCE, whole).await;
    system.stop(Service::Consumer).await;
    store::chats::insert(conn, &[chat(8)]).await.unwrap();
    assert_eq!(page(client, &list, "next").await.0, [1, 2, 3, 4, 6]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_page_with_a_gap_is_not_kept_and_the_whole_one_is() {
    let system = patient().set("CHAT__CACHE__ENABLED", true).replicas(Service::Api, 2).start().await;
    let client = system.client();
    let application = system.create_application("cached").await;
    let chat = application.create_chat().await;
    let texts = |count: usize| serde_json::json!({ "messages": vec![serde_json::json!({ "body": "text" }); count] });
    assert_eq!(chat.attempt_batch(texts(20)).send().await.status, 201);
    let (application_id, taken) = take(&system, &chat, &application).await;
    assert_eq!((taken, chat.attempt_batch(texts(40)).send().await.status), (21, 201));
    chat.await_stored(61).await;
    let list = chat.path() + "/messages";
    let expected: Vec<u64> = (1..=20).collect();
    for _ in 0..4 {
        assert_eq!(page(client, &list, "next").await.0, expected);
    }
    store_late(&system, application_id, &chat, 21).await;
    let expected: Vec<u64> = (1..=50).collect();
    for _ in 0..4 {
        assert_eq!(page(client, &list, "next").await.0, expected);
    }
}
