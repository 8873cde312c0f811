//! Creates that are sent again with their `Idempotency-Key`: done once, whatever happens in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Answer, Application, Ask, Chat, Server, Service, System, eventually};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

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

/// The ingest dies with one create handed to a broker that hangs, and another that has its number and was never sent.
async fn ingest_dies(epoch_ends: bool) {
    let system = System::builder().own(Server::Rabbitmq).set("CHAT__AMQP__IN_FLIGHT", 1).start().await;
    let application = system.create_application("deaths").await;
    let chat = application.create_chat().await;
    assert_eq!(number(&post(&chat, "before", "before").send().await), 1);
    let before = epochs(&system).await;

    system.stack().pause(Server::Rabbitmq).unwrap();
    let sends: [(&str, &dyn Fn() -> Ask); 3] = [
        ("sent", &|| post(&chat, "sent", "sent")),
        ("unsent", &|| post(&chat, "unsent", "unsent")),
        ("scene", &|| application.attempt_chat().header("Idempotency-Key", "scene")),
    ];
    let mut clients = Vec::new();
    for (taken, (_, send)) in (2..).zip(&sends) {
        clients.push(tokio::spawn(send().attempt()));
        let has_number = async || records(&system).await.len() == taken;
        eventually("a number is taken", BACK_WITHIN, has_number).await;
    }
    system.crash(Service::Ingest);
    // Whoever was answered before that, was told that it may not have been done.
    for client in clients {
        assert!(client.await.unwrap().map_or(true, |answer| answer.status == 503), "somebody was told otherwise");
    }
    let pending = records(&system).await.into_values().filter(|record| record[0] == "P").count();
    assert_eq!(pending, 3);
    system.stack().resume(Server::Rabbitmq).unwrap();
    if epoch_ends {
        end_epoch(&system).await;
    }
    system.launch(Service::Ingest).await;

    let mut answers = Vec::new();
    for (_, send) in &sends {
        let first = insist(*send).await;
        let second = insist(*send).await;
        assert_eq!(number(&first), number(&second));
        assert!(replayed(&second));
        answers.push(first);
    }
    let numbers: Vec<u64> = answers.iter().map(number).collect();
    if epoch_ends {
        assert!(epochs(&system).await > before);
    } else {
        // Each retry published the event of the one that died.
        assert_eq!((numbers.as_slice(), epochs(&system).await), ([2, 3, 2].as_slice(), before));
        assert!(answers.iter().all(replayed));
    }
    let last = numbers[0].max(numbers[1]);
    chat.await_stored(last).await;
    let mut expected = vec![(1, "before".to_owned()), (numbers[0], "sent".to_owned()), (numbers[1], "unsent".to_owned())];
    expected.sort();
    assert_eq!(chat.messages().await, expected);
    assert_eq!(number(&post(&chat, "next", "next").send().await), last + 1);
    application.chat(numbers[2]).read().await.expect(200);
    assert_no_conflict(&system).await;
    assert_eq!(application.create_chat().await.number, numbers[2] + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_takes_over_from_an_ingest_that_died_before_its_confirm() {
    ingest_dies(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_in_the_next_epoch_finds_out_what_became_of_an_ingest_that_died() {
    ingest_dies(true).await;
}

/// Rewrites words of the only record that is pending, or of that of the only message.
async fn forge(system: &System, name: &str, change: impl Fn(&mut Vec<String>)) {
    let mut words = records(system).await.remove(name).expect("the record");
    change(&mut words);
    let text = words.join(" ");
    system.redis::<()>(&["SET", name, &text, "KEEPTTL"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_epoch_left_pending_is_looked_up_behind_a_fence() {
    let system = System::builder().replicas(Service::Ingest, 2).start().await;
    let application = system.create_application("epochs").await;
    let chat = application.create_chat().await;
    let mut names = Vec::new();
    for (key, text) in [("stored", "stored"), ("lost", "lost"), ("sure", "sure")] {
        assert_eq!(post(&chat, key, text).send().await.status, 201);
        let known: BTreeSet<&String> = names.iter().collect();
        let name = records(&system).await.into_keys().find(|name| !known.contains(name)).unwrap();
        let confirmed = async || records(&system).await[&name][0] == "C";
        eventually("the record is confirmed", BACK_WITHIN, confirmed).await;
        names.push(name);
    }
    chat.await_stored(3).await;
    // As if the note had been lost; as if the number had been taken and nothing published.
    forge(&system, &names[0], |words| words[0] = "P".to_owned()).await;
    forge(&system, &names[1], |words| {
        (words[0], words[2], words[3]) = ("P".to_owned(), "4".to_owned(), "0189".repeat(8));
    })
    .await;
    let before = epochs(&system).await;
    end_epoch(&system).await;

    // The number 4 becomes another's in the new epoch.
    assert_eq!(number(&insist(|| chat.attempt_post("another")).await), 4);
    assert!(epochs(&system).await > before);
    for (key, expected) in [("stored", 1), ("sure", 3)] {
        let answer = insist(|| post(&chat, key, key)).await;
        assert_eq!((number(&answer), replayed(&answer)), (expected, true), "{key}");
    }
    let eventually_confirmed = async || records(&system).await[&names[0]][0] == "C";
    eventually("what was found stored is confirmed", BACK_WITHIN, eventually_confirmed).await;
    post(&chat, "lost", "other").send().await.problem(422, "idempotency_key_reused");
    // Of many that learn that the event is lost, one takes a new number.
    let answers = join_all((0..20).map(|_| insist(|| post(&chat, "lost", "lost")))).await;
    assert!(answers.iter().all(|answer| number(answer) == 5), "{:?}", answers.iter().map(number).collect::<Vec<_>>());
    assert!(answers.iter().filter(|answer| !replayed(answer)).count() <= 1);

    chat.await_stored(5).await;
    let texts: Vec<String> = chat.messages().await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["stored", "lost", "sure", "another", "lost"]);
    assert_no_conflict(&system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_guessed_while_nobody_answers_the_fence() {
    let system = System::start().await;
    let chat = system.create_application("fences").await.create_chat().await;
    assert_eq!(number(&post(&chat, "k", "text").send().await), 1);
    chat.await_stored(1).await;
    let confirmed = async || records(&system).await.values().all(|record| record[0] == "C");
    eventually("the record is confirmed", BACK_WITHIN, confirmed).await;
    let name = records(&system).await.into_keys().next().unwrap();
    system.stop(Service::Consumer).await;
    forge(&system, &name, |words| words[0] = "P".to_owned()).await;
    end_epoch(&system).await;
    let refused = async || {
        let answer = post(&chat, "k", "text").send().await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        answer.json()["detail"].as_str().is_some_and(|detail| detail.starts_with("The storing service"))
    };
    eventually("the missing consumer is named", BACK_WITHIN, refused).await;
    system.launch(Service::Consumer).await;
    let answer = insist(|| post(&chat, "k", "text")).await;
    assert_eq!((number(&answer), replayed(&answer)), (1, true));
    assert_eq!(chat.messages().await, [(1, "text".to_owned())]);
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

/// Clients that send each create until it is accepted, while everything that can fail does: each is stored once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_create_is_done_once_while_servers_and_services_fall() {
    let system = System::builder().own(Server::Rabbitmq).replicas(Service::Ingest, 2).start().await;
    let application = system.create_application("storm").await;
    let chats = [application.create_chat().await, application.create_chat().await];
    let (stop, accepted) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            let (application, chat) = (application.clone(), chats[writer % 2].clone());
            tokio::spawn(write(application, chat, writer, stop.clone(), accepted.clone()))
        })
        .collect();
    let goes_on = async || {
        let goal = accepted.load(Ordering::Relaxed) + 40;
        eventually("creates are accepted", INSISTS_FOR, async || accepted.load(Ordering::Relaxed) >= goal).await;
    };
    goes_on().await;
    system.launch(Service::Ingest).await;
    system.crash(Service::Ingest);
    goes_on().await;
    end_epoch(&system).await;
    goes_on().await;
    system.stack().kill(Server::Rabbitmq).await.unwrap();
    end_epoch(&system).await;
    system.stack().start(Server::Rabbitmq).await.unwrap();
    goes_on().await;
    system.launch(Service::Ingest).await;
    system.crash(Service::Ingest);
    end_epoch(&system).await;
    goes_on().await;
    stop.cancel();

    let mut expected: [Vec<(u64, String)>; 2] = [Vec::new(), Vec::new()];
    let mut scenes = BTreeSet::new();
    let mut retries = 0;
    for (writer, task) in writers.into_iter().enumerate() {
        let written = task.await.unwrap();
        expected[writer % 2].extend(written.messages);
        for scene in written.scenes {
            assert!(scenes.insert(scene), "chat {scene} was given twice");
        }
        retries += written.retries;
    }
    for (chat, mut expected) in chats.iter().zip(expected) {
        expected.sort();
        chat.await_stored(expected.last().unwrap().0).await;
        assert_eq!(chat.messages().await, expected, "chat {}", chat.number);
    }
    for scene in &scenes {
        application.chat(*scene).read().await.expect(200);
    }
    let path = format!("{}/chats?limit=100&after=2", application.path());
    let stored = system.api("GET", &path).send().await.expect(200);
    let stored: BTreeSet<u64> = stored.as_array().unwrap().iter().map(|chat| chat["number"].as_u64().unwrap()).collect();
    let first_hundred: BTreeSet<u64> = scenes.iter().copied().take(100).collect();
    assert_eq!(stored, first_hundred);
    assert!(retries > 0, "nothing failed");
    println!("{} creates of chats, {retries} retries, every create done once", scenes.len());
    assert_no_conflict(&system).await;
}

#[derive(Default)]
struct Written {
    messages: Vec<(u64, String)>,
    scenes: Vec<u64>,
    retries: usize,
}

/// One message, one batch of three, one chat, and again, each until it is accepted.
async fn write(
    application: Application,
    chat: Chat,
    writer: usize,
    stop: CancellationToken,
    accepted: Arc<AtomicUsize>,
) -> Written {
    let mut written = Written::default();
    for turn in 0.. {
        if stop.is_cancelled() {
            break;
        }
        let key = format!("{writer}-{turn}");
        let texts: Vec<String> = (0..3).map(|place| format!("text {key} {place}")).collect();
        let entries: Vec<Value> = texts.iter().map(|text| json!({ "body": text })).collect();
        let ask = || {
            match turn % 3 {
                0 => chat.attempt_post(&texts[0]),
                1 => chat.attempt_batch(json!({ "messages": entries })),
                _ => application.attempt_chat(),
            }
            .header("Idempotency-Key", &key)
        };
        let mut attempts = 0;
        let answer = insist(|| {
            attempts += 1;
            ask()
        })
        .await;
        written.retries += attempts - 1;
        accepted.fetch_add(1, Ordering::Relaxed);
        match turn % 3 {
            0 => written.messages.push((number(&answer), texts[0].clone())),
            1 => {
                let numbers = answer.json();
                let numbers = numbers["numbers"].as_array().unwrap().iter().map(|number| number.as_u64().unwrap());
                written.messages.extend(numbers.zip(texts));
            }
            _ => written.scenes.push(number(&answer)),
        }
        // Bounds what is compared in the end.
        sleep(Duration::from_millis(10)).await;
    }
    written
}
