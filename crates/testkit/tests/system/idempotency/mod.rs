//! Creates that are sent again with their `Idempotency-Key`: done once, whatever happens in between.

mod dying;
mod pending;
mod storm;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Answer, Ask, Chat, Service, System, eventually};
use tokio::time::sleep;

/// How long a create may be refused after a fault.
const BACK_WITHIN: Duration = Duration::from_secs(30);
/// How long a client sends its create again: a broker's restart on a busy machine takes its time.
const INSISTS_FOR: Duration = Duration::from_secs(120);
const RETRY_PAUSE: Duration = Duration::from_millis(50);

fn replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == Some("true")
}

fn number(answer: &Answer) -> u64 {
    answer.json()["number"].as_u64().expect("a number")
}

fn post(chat: &Chat, key: &str, text: &str) -> Ask {
    chat.attempt_post(text).header("Idempotency-Key", key)
}

/// Sends it again until it is accepted, as a client does.
async fn insist(mut ask: impl FnMut() -> Ask) -> Answer {
    let began = Instant::now();
    loop {
        let outcome = ask().attempt().await;
        if let Ok(answer) = &outcome {
            // 408: a machine too busy to read the request in time.
            assert!(matches!(answer.status, 201 | 408 | 503), "{} {}", answer.status, answer.text());
        }
        match outcome {
            Ok(answer) if answer.status == 201 => return answer,
            last => assert!(began.elapsed() < INSISTS_FOR, "not accepted within {INSISTS_FOR:?}: {last:?}"),
        }
        sleep(RETRY_PAUSE).await;
    }
}

/// The records of all keys, by their names in Redis: the words of each.
async fn records(system: &System) -> BTreeMap<String, Vec<String>> {
    let pattern = format!("{}*:key:*", prefix(system));
    let mut records = BTreeMap::new();
    for name in system.redis::<Vec<String>>(&["KEYS", &pattern]).await {
        // One may end just now.
        let text: Option<String> = system.redis(&["GET", &name]).await;
        records.extend(text.map(|text| (name, text.split(' ').map(str::to_owned).collect())));
    }
    records
}

fn prefix(system: &System) -> String {
    system.config::<ingest::Config>().redis.key_prefix
}

/// Has a new epoch opened by whoever next asks for a number, and keeps the records, as a restarted Redis does.
async fn end_epoch(system: &System) {
    assert_eq!(system.redis::<u64>(&["DEL", &format!("{}record", prefix(system))]).await, 1);
}

/// No event met another under its number: those that were published again were the same ones.
async fn assert_no_conflict(system: &System) {
    let dead = store::dead_letters::list(&mut system.store().acquire().await.unwrap(), 0, 10).await.unwrap();
    assert!(dead.is_empty(), "{dead:?}");
}

async fn epochs(system: &System) -> usize {
    store::epochs::history(&mut system.store().acquire().await.unwrap(), 100).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_by_any_spelling_gets_the_same_number_and_creates_nothing() {
    let system = System::start().await;
    let application = system.create_application("retries").await;
    let chat = application.create_chat().await;
    let chats = [
        (application.path() + "/chats", 201),
        (format!("/api/v1{}/chats", application.path()), 202),
        (format!("/chats/{}", application.token), 201),
    ];
    let messages = [
        (chat.path() + "/messages", 201),
        (format!("/api/v1{}/messages", chat.path()), 202),
        (format!("/chats/{}/messages", chat.number), 201),
    ];
    let send = async |path: &str, key: &str, body: Value| {
        let ask = system.ingest("POST", path).header("X-Application-Token", &application.token);
        ask.header("Idempotency-Key", key).json(body).send().await
    };
    for (routes, kind, body, wrapped, other) in [
        (&chats, "chat", json!({ "name": "Scene I" }), json!({ "chat": { "name": "Scene I" } }), json!({ "name": "Scene II" })),
        (
            &messages,
            "message",
            json!({ "body": "To be" }),
            json!({ "message": { "body": "To be" } }),
            json!({ "body": "Not to be" }),
        ),
    ] {
        for (index, (path, status)) in routes.iter().enumerate() {
            let key = format!("{kind}-{index}");
            let first = send(path, &key, body.clone()).await;
            let expected = first.expect(*status);
            assert!(!replayed(&first), "{path}");
            // The same spelling: the same answer. Any other: the same number.
            for (again, status) in routes {
                for body in [&body, &wrapped] {
                    let answer = send(again, &key, body.clone()).await;
                    assert_eq!(answer.expect(*status)["number"], expected["number"], "{path} {again}");
                    assert!(replayed(&answer), "{path} {again}");
                    assert!(again != path || answer.json() == expected);
                }
                send(again, &key, other.clone()).await.problem(422, "idempotency_key_reused");
            }
        }
    }
    // A key for a chat is none for a message, nor in another chat; in another application it is another key.
    send(&messages[0].0, "chat-0", json!({ "body": "To be" })).await.problem(422, "idempotency_key_reused");
    let second = application.create_chat().await;
    post(&second, "message-0", "To be").send().await.problem(422, "idempotency_key_reused");
    let neighbour = system.create_application("neighbour").await.create_chat().await;
    let answer = post(&neighbour, "message-0", "Something else").send().await;
    assert_eq!((answer.expect(201)["number"].as_u64(), replayed(&answer)), (Some(1), false));
    // What was refused took no key.
    let refused = |body: &str| system.ingest("POST", &messages[0].0).header("Idempotency-Key", "later").body(body);
    refused(r#"{"body":""}"#).send().await.invalid("body", "empty");
    assert_eq!(number(&refused(r#"{"body":"at last"}"#).send().await), 4);

    chat.await_stored(4).await;
    let texts: Vec<String> = chat.messages().await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["To be", "To be", "To be", "at last"]);
    assert_eq!(second.number, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_none_is_refused() {
    let system = System::start().await;
    let application = system.create_application("keys").await;
    let chat = application.create_chat().await;
    let asks: [&dyn Fn() -> Ask; 3] = [&|| application.attempt_chat(), &|| chat.attempt_post("x"), &|| {
        system.ingest("POST", &format!("{}/messages:batch", chat.path())).json(json!({ "messages": [{ "body": "x" }] }))
    }];
    for (index, ask) in asks.into_iter().enumerate() {
        for wrong in ["", "two words", "tab\tbed", &"k".repeat(256)] {
            ask().header("Idempotency-Key", wrong).send().await.problem(400, "malformed_request");
        }
        let twice = ask().header("Idempotency-Key", "a").header("Idempotency-Key", "b").send().await;
        twice.problem(400, "malformed_request");
        let longest = format!("{index}{}", "~".repeat(254));
        assert_eq!(ask().header("Idempotency-Key", &longest).send().await.status, 201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_retries_with_fifty_keys_over_two_replicas_are_fifty_messages() {
    let system = System::builder().replicas(Service::Ingest, 2).start().await;
    let chat = system.create_application("crowd").await.create_chat().await;
    let retries = (0..1_000).map(|turn| {
        let (key, chat) = (turn % 50, &chat);
        async move {
            let answer = insist(|| post(chat, &format!("key-{key}"), &format!("text {key}"))).await;
            (key, number(&answer), replayed(&answer))
        }
    });
    let told = join_all(retries).await;
    let given: BTreeMap<u64, u64> = told.iter().map(|(key, number, _)| (*key, *number)).collect();
    assert!(told.iter().all(|(key, number, _)| given[key] == *number));
    let firsts: Vec<u64> = told.iter().filter(|(.., replayed)| !replayed).map(|(key, ..)| *key).collect();
    assert_eq!(firsts.iter().collect::<BTreeSet<_>>().len(), firsts.len(), "a key was done twice: {firsts:?}");
    assert_eq!(given.values().copied().collect::<BTreeSet<_>>(), (1..=50).collect());
    println!("1000 requests, 50 keys: {} numbers, {} answers that were no replay", given.len(), firsts.len());

    chat.await_stored(50).await;
    let expected: BTreeMap<u64, String> = given.into_iter().map(|(key, number)| (number, format!("text {key}"))).collect();
    assert_eq!(chat.messages().await, expected.into_iter().collect::<Vec<_>>());
    assert_no_conflict(&system).await;
    // The notes behind the answers have arrived too, or do soon.
    let noted = async || records(&system).await.values().all(|record| record[0] == "C");
    eventually("all records are confirmed", BACK_WITHIN, noted).await;
    assert_eq!(records(&system).await.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_forgotten_after_its_time() {
    let system = System::builder().set("CHAT__REDIS__IDEMPOTENCY_TTL_S", 2).start().await;
    let chat = system.create_application("time").await.create_chat().await;
    assert_eq!(number(&post(&chat, "k", "text").send().await), 1);
    let name = records(&system).await.into_keys().next();
    if let Some(name) = name {
        assert!(system.redis::<i64>(&["PTTL", &name]).await <= 2_000);
    }
    let forgotten = async || records(&system).await.is_empty();
    eventually("the record is gone", BACK_WITHIN, forgotten).await;
    assert_eq!(number(&post(&chat, "k", "another text").send().await), 2);
}
