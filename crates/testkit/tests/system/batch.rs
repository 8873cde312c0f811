//! Batches of messages: accepted whole, under numbers that follow one another, or not at all.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use mysql_async::{Conn, prelude::Queryable};
use serde_json::{Value, json};
use testkit::{Answer, Service, System, eventually};

const WITHIN: Duration = Duration::from_secs(30);

fn batch<T: AsRef<str>>(texts: &[T]) -> Value {
    let entries: Vec<Value> = texts.iter().map(|text| json!({ "body": text.as_ref() })).collect();
    json!({ "messages": entries })
}

fn numbers(answer: &Answer, status: u16) -> Vec<u64> {
    let body = answer.expect(status);
    body["numbers"].as_array().expect("numbers").iter().map(|number| number.as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_created_in_both_families_in_its_order() {
    let system = System::start().await;
    let chat = system.create_application("batches").await.create_chat().await;
    let (plain, v1) = (format!("{}/messages:batch", chat.path()), format!("/api/v1{}/messages:batch", chat.path()));
    let answer = system.ingest("POST", &plain).json(batch(&["a", "b", "c"])).send().await;
    assert_eq!(answer.expect(201), json!({ "numbers": [1, 2, 3], "status": "Messages created successfully" }));
    let answer = system.ingest("POST", &v1).json(batch(&["d", "e"])).send().await;
    assert_eq!(answer.expect(202), json!({ "numbers": [4, 5] }));
    assert_eq!(chat.post("f").await, 6);
    assert_eq!(numbers(&chat.attempt_batch(batch(&["g"])).send().await, 201), [7]);

    // Five hundred, and as many bytes as may be: texts of three-byte characters.
    let large: Vec<String> = (0..500).map(|place| format!("{place} {}", "語".repeat(1_370))).collect();
    let body = batch(&large).to_string();
    assert!((2_050_000..=2_097_152).contains(&body.len()), "{}", body.len());
    // A busy machine may take longer than a create may take: the key makes it right to ask again.
    let mut given = Vec::new();
    let accepted = async || {
        let ask = system.ingest("POST", &plain).header("Idempotency-Key", "large").body(body.clone());
        let answer = ask.send().await;
        if answer.status != 503 {
            given = numbers(&answer, 201);
        }
        !given.is_empty()
    };
    eventually("the large batch is accepted", WITHIN, accepted).await;
    assert_eq!(given, (8..=507).collect::<Vec<_>>());
    let mut largest = body.into_bytes();
    largest.resize(2 * 1024 * 1024 + 1, b' ');
    for path in [&plain, &v1] {
        let problem = system.ingest("POST", path).body(largest.clone()).send().await.problem(413, "payload_too_large");
        assert!(problem["detail"].as_str().unwrap().contains("2097152"), "{problem}");
    }

    chat.await_stored(507).await;
    let mut expected: Vec<String> = ["a", "b", "c", "d", "e", "f", "g"].map(str::to_owned).into();
    expected.extend(large);
    let stored = chat.messages().await;
    assert_eq!(stored.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (1..=507).collect::<Vec<_>>());
    assert!(stored.into_iter().map(|(_, text)| text).eq(expected), "the texts differ");
    chat.await_found("499 語", &[507], WITHIN).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_with_a_fault_is_refused_whole_and_the_fault_is_named() {
    let system = System::start().await;
    let application = system.create_application("faults").await;
    let chat = application.create_chat().await;
    let post = async |body: Value| chat.attempt_batch(body).send().await;
    let long = "a".repeat(10_001);
    for (body, field, rule) in [
        (json!({}), "messages", "required"),
        (json!({ "messages": null }), "messages", "required"),
        (json!({ "messages": [] }), "messages", "wrong_length"),
        (json!({ "messages": { "body": "x" } }), "messages", "wrong_length"),
        (json!({ "messages": vec![json!({ "body": "x" }); 501] }), "messages", "wrong_length"),
        (json!({ "messages": [{ "body": "x" }, "y"] }), "messages[1]", "not_an_object"),
        (json!({ "messages": [null] }), "messages[0]", "not_an_object"),
        (json!({ "messages": [{ "body": "x" }, {}] }), "messages[1].body", "required"),
        (json!({ "messages": [{ "body": "x" }, { "body": "x" }, { "body": "x" }, { "body": "" }] }), "messages[3].body", "empty"),
        (json!({ "messages": [{ "body": 5 }] }), "messages[0].body", "not_a_string"),
        (json!({ "messages": [{ "body": "x" }, { "body": long }] }), "messages[1].body", "too_long"),
    ] {
        post(body).await.invalid(field, rule);
    }
    post(json!([{ "body": "x" }])).await.problem(400, "malformed_json");
    let several = post(json!({ "messages": [{ "body": "" }, {}, { "body": "x" }] })).await;
    assert_eq!(several.problem(422, "invalid_field")["errors"].as_array().unwrap().len(), 2);
    application.chat(2).attempt_batch(batch(&["x"])).send().await.problem(404, "chat_not_found");
    application.chat(0).attempt_batch(batch(&["x"])).send().await.problem(404, "chat_not_found");
    let nobody = format!("/applications/{}/chats/1/messages:batch", "0".repeat(32));
    system.ingest("POST", &nobody).json(batch(&["x"])).send().await.problem(404, "application_not_found");
    let get = system.ingest("GET", &format!("{}/messages:batch", chat.path())).send().await;
    get.problem(405, "method_not_allowed");
    // Nothing of all this took a number.
    assert_eq!(chat.post("the first").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_and_single_messages_over_two_replicas_keep_their_places() {
    let system = System::builder().replicas(Service::Ingest, 2).set("CHAT__AMQP__GROUP_ITEMS", 7).start().await;
    let chat = system.create_application("crowd").await.create_chat().await;
    let creates = (0..60_usize).map(|turn| {
        let chat = &chat;
        async move {
            let texts: Vec<String> = (0..=turn % 12).map(|place| format!("{turn} {place}")).collect();
            let given = match texts.as_slice() {
                [text] => vec![chat.post(text).await],
                texts => numbers(&chat.attempt_batch(batch(texts)).send().await, 201),
            };
            assert!(given.windows(2).all(|pair| pair[1] == pair[0] + 1), "{given:?}");
            assert_eq!(given.len(), texts.len());
            given.into_iter().zip(texts).collect::<Vec<_>>()
        }
    });
    let mut expected: Vec<(u64, String)> = join_all(creates).await.into_iter().flatten().collect();
    expected.sort();
    let count = expected.len() as u64;
    assert_eq!(expected.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (1..=count).collect::<Vec<_>>());
    chat.await_stored(count).await;
    assert_eq!(chat.messages().await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_with_a_key_is_done_once() {
    let system = System::builder().replicas(Service::Ingest, 2).start().await;
    let chat = system.create_application("keys").await.create_chat().await;
    let send = async |key: &str, body: Value| chat.attempt_batch(body).header("Idempotency-Key", key).send().await;
    let texts: Vec<String> = (0..500).map(|place| format!("text {place}")).collect();
    let answers = join_all((0..8).map(|_| send("history", batch(&texts)))).await;
    let mut firsts = 0;
    for answer in &answers {
        assert_eq!(numbers(answer, 201), (1..=500).collect::<Vec<_>>());
        firsts += usize::from(answer.header("idempotency-replayed").is_none());
    }
    assert_eq!(firsts, 1);
    let v1 = system.ingest("POST", &format!("/api/v1{}/messages:batch", chat.path())).header("Idempotency-Key", "history");
    let v1 = v1.json(batch(&texts)).send().await;
    assert_eq!((v1.expect(202)["numbers"][499].as_u64(), v1.header("idempotency-replayed")), (Some(500), Some("true")));
    send("history", batch(&texts[..499])).await.problem(422, "idempotency_key_reused");
    // A single message is another operation, also if its text is the same.
    assert_eq!(numbers(&send("one", batch(&["x"])).await, 201), [501]);
    let single = chat.attempt_post("x").header("Idempotency-Key", "one").send().await;
    single.problem(422, "idempotency_key_reused");

    chat.await_stored(501).await;
    let mut expected: Vec<(u64, String)> = (1..).zip(texts).collect();
    expected.push((501, "x".to_owned()));
    assert_eq!(chat.messages().await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_item_that_mysql_refuses_leaves_the_rest_of_its_batch_stored() {
    let system = System::start().await;
    let chat = system.create_application("poison").await.create_chat().await;
    chat.read().await.expect(200);
    let mut database = Conn::from_url(system.config::<ingest::Config>().mysql.url).await.unwrap();
    let trigger = "CREATE TRIGGER poison BEFORE INSERT ON messages FOR EACH ROW \
                   IF NEW.body = 'poison' THEN SIGNAL SQLSTATE '45000'; END IF";
    database.query_drop(trigger).await.unwrap();
    let mut texts: Vec<String> = (1..=200).map(|number| format!("text {number}")).collect();
    texts[136] = "poison".to_owned();
    let send = async || chat.attempt_batch(batch(&texts)).header("Idempotency-Key", "k").send().await;
    assert_eq!(numbers(&send().await, 201), (1..=200).collect::<Vec<_>>());
    chat.await_stored(200).await;
    let mut expected: BTreeMap<u64, String> = (1..).zip(texts.iter().cloned()).collect();
    expected.remove(&137);
    assert_eq!(chat.messages().await, expected.into_iter().collect::<Vec<_>>());
    let dead = store::dead_letters::list(&mut system.store().acquire().await.unwrap(), 0, 10).await.unwrap();
    let dead: Vec<_> =
        dead.iter().map(|dead| (dead.letter.reason.as_str(), dead.letter.identity.message.map(u64::from))).collect();
    assert_eq!(dead, [("rejected", Some(137))]);
    assert_eq!(numbers(&send().await, 201), (1..=200).collect::<Vec<_>>());
    assert_eq!(chat.post("next").await, 201);
    database.disconnect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_the_queue_may_hold_is_refused_before_it_takes_numbers() {
    let system = System::builder().set("CHAT__AMQP__QUEUE_CAPACITY", 20).start().await;
    let chat = system.create_application("full").await.create_chat().await;
    assert_eq!(chat.post("before").await, 1);
    chat.attempt_batch(batch(&["x"; 21])).send().await.problem(503, "overloaded");
    assert_eq!(numbers(&chat.attempt_batch(batch(&["x"; 20])).send().await, 201), (2..=21).collect::<Vec<_>>());
    chat.await_stored(21).await;
}
