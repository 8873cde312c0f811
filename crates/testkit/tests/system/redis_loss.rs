//! Redis loses its memory, in part or whole: no number is ever given twice, and the next one follows the last that was stored.
//! Nobody has to do anything about it.

use std::{fs, path::Path, time::Duration};

use futures_util::future::join_all;
use mysql_async::prelude::Queryable as _;
use testkit::{Answer, Application, Ask, Chat, Load, Server, Service, System, eventually};

/// How soon creates must succeed again.
const BACK_WITHIN: Duration = Duration::from_secs(10);
const ANSWERED_WITHIN: Duration = Duration::from_millis(3_500);

async fn with_redis() -> System {
    System::builder().own(Server::Redis).start().await
}

/// An application with two chats, of which the first has three messages, all stored.
async fn filled(system: &System) -> (Application, Chat) {
    let application = system.create_application("loss").await;
    let (chat, second) = (application.create_chat().await, application.create_chat().await);
    for number in 1..=3 {
        assert_eq!(chat.post(&format!("before {number}")).await, number);
    }
    chat.await_stored(3).await;
    second.read().await.expect(200);
    (application, chat)
}

/// Tries until the create is accepted. What it is refused for must not have cost a number: something that is not there.
async fn number_of(create: impl Fn() -> Ask) -> u64 {
    let mut last: Option<Answer> = None;
    let accepted = async || {
        let answer = create().send().await;
        if answer.status != 201 {
            answer.problem(503, "dependency_unavailable");
            assert!(answer.took <= ANSWERED_WITHIN, "{:?}", answer.took);
        }
        last.insert(answer).status == 201
    };
    eventually("a create is accepted", BACK_WITHIN, accepted).await;
    last.unwrap().json()["number"].as_u64().unwrap()
}

/// The next chat and the next message follow the last ones, and all is stored.
async fn assert_goes_on(application: &Application, chat: &Chat, messages: u64, chats: u64) {
    assert_eq!(number_of(|| chat.attempt_post("after")).await, messages + 1);
    assert_eq!(number_of(|| application.attempt_chat()).await, chats + 1);
    chat.await_stored(messages + 1).await;
    let numbers: Vec<u64> = chat.messages().await.into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, (1..=messages + 1).collect::<Vec<u64>>());
    assert_eq!(chat.message(messages + 1).await.expect(200)["body"], "after");
    application.chat(chats + 1).read().await.expect(200);
}

async fn epochs(system: &System) -> Vec<String> {
    let history = store::epochs::history(&mut system.store().acquire().await.unwrap(), 10).await.unwrap();
    history.into_iter().map(|opened| opened.reason).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushed_and_emptied_of_its_scripts() {
    let system = with_redis().await;
    let (application, chat) = filled(&system).await;
    let before = epochs(&system).await.len();
    // The scripts alone: the counters are still there, and no new epoch is due.
    system.redis::<()>(&["SCRIPT", "FLUSH"]).await;
    assert_goes_on(&application, &chat, 3, 2).await;
    assert_eq!(epochs(&system).await.len(), before);

    system.redis::<()>(&["FLUSHALL"]).await;
    assert_goes_on(&application, &chat, 4, 3).await;
    system.redis::<()>(&["FLUSHALL"]).await;
    system.redis::<()>(&["SCRIPT", "FLUSH"]).await;
    assert_goes_on(&application, &chat, 5, 4).await;
    assert!(epochs(&system).await.len() >= before + 2);
    assert_eq!(epochs(&system).await[0], "record_missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_with_its_append_only_file_kept_and_removed() {
    let system = with_redis().await;
    let (application, chat) = filled(&system).await;
    system.stack().kill(Server::Redis).await.unwrap();
    chat.attempt_post("nobody counts").send().await.problem(503, "dependency_unavailable");
    system.stack().start(Server::Redis).await.unwrap();
    assert_goes_on(&application, &chat, 3, 2).await;
    assert_eq!(epochs(&system).await[0], "redis_restarted");

    system.stack().wipe(Server::Redis).await.unwrap();
    system.stack().start(Server::Redis).await.unwrap();
    assert_goes_on(&application, &chat, 4, 3).await;
    assert_eq!(epochs(&system).await[0], "record_missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarted_from_an_old_file() {
    let system = with_redis().await;
    let (application, chat) = filled(&system).await;
    let stack = system.stack();
    let (files, old) = (stack.data_dir(Server::Redis).join("appendonlydir"), stack.root().join("old"));
    stack.stop(Server::Redis).await.unwrap();
    copy(&files, &old);
    stack.start(Server::Redis).await.unwrap();
    assert_goes_on(&application, &chat, 3, 2).await;
    for number in 5..=9 {
        assert_eq!(chat.post("younger than the file").await, number);
    }

    stack.kill(Server::Redis).await.unwrap();
    fs::remove_dir_all(&files).unwrap();
    copy(&old, &files);
    stack.start(Server::Redis).await.unwrap();
    assert_goes_on(&application, &chat, 9, 3).await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_while_the_queues_are_full() {
    let system = with_redis().await;
    let (application, chat) = filled(&system).await;
    system.stop(Service::Consumer).await;
    for number in 4..=60 {
        assert_eq!(chat.post(&format!("waiting {number}")).await, number);
    }
    for number in 3..=12 {
        assert_eq!(application.create_chat().await.number, number);
    }
    system.redis::<()>(&["FLUSHALL"]).await;
    // What waits in the queues cannot be seen, so nothing is guessed.
    for create in [chat.attempt_post("too early"), application.attempt_chat(), application.chat(12).attempt_post("too early")] {
        let answer = create.send().await;
        answer.problem(503, "dependency_unavailable");
        assert!(answer.took <= ANSWERED_WITHIN, "{:?}", answer.took);
    }
    system.launch(Service::Consumer).await;
    assert_goes_on(&application, &chat, 60, 12).await;
    assert_eq!(number_of(|| application.chat(12).attempt_post("at last")).await, 1);
    for number in 4..=60 {
        assert_eq!(chat.message(number).await.expect(200)["body"], format!("waiting {number}"));
    }
}

/// What somebody has written by hand keeps those out who read the chat, and nobody who adds to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_whose_name_cannot_be_read_takes_messages_all_the_same() {
    let system = with_redis().await;
    let (_, chat) = filled(&system).await;
    let database = system.config::<api::Config>().mysql.url;
    let mut conn = mysql_async::Conn::from_url(database.as_str()).await.unwrap();
    conn.query_drop("UPDATE chats SET name = ''").await.unwrap();
    conn.disconnect().await.unwrap();
    system.redis::<()>(&["FLUSHALL"]).await;
    assert_eq!(number_of(|| chat.attempt_post("after")).await, 4);
    chat.await_stored(4).await;
}

/// How many statements MySQL has been asked that read.
async fn reads(system: &System) -> u64 {
    let mut conn = mysql_async::Conn::from_url(system.stack().urls().mysql.as_str()).await.unwrap();
    let status: Option<(String, String)> = conn.query_first("SHOW GLOBAL STATUS LIKE 'Com_select'").await.unwrap();
    conn.disconnect().await.unwrap();
    status.unwrap().1.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_herd_that_finds_a_counter_missing_asks_mysql_once() {
    const HERD: usize = 300;
    let system = System::builder().own(Server::Redis).own(Server::Mysql);
    let system = system.set("CHAT__INGEST__CREATE_TIMEOUT_MS", 15_000).start().await;
    let (application, chat) = filled(&system).await;
    system.redis::<()>(&["FLUSHALL"]).await;
    assert_eq!(number_of(|| application.attempt_chat()).await, 3);
    // They come while the first one's fence waits for the consumer, whose start takes longer than they do.
    system.stop(Service::Consumer).await;
    let before = reads(&system).await;
    let herd = join_all((0..HERD).map(|number| chat.attempt_post(&format!("herd {number}")).send()));
    let (answers, ()) = tokio::join!(herd, system.launch(Service::Consumer));
    let mut numbers: Vec<u64> = answers.iter().map(|answer| answer.expect(201)["number"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (4..4 + HERD as u64).collect::<Vec<u64>>());
    // The consumer has some statements of its own.
    let asked = reads(&system).await - before;
    assert!(asked < HERD as u64 / 2, "{asked} statements");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_again_and_again_during_concurrent_creates() {
    let system = System::builder().own(Server::Redis).replicas(Service::Ingest, 2).start().await;
    let application = system.create_application("storm").await;
    let chats = [application.create_chat().await, application.create_chat().await, application.create_chat().await];
    let load = Load::start(&chats, 12);
    load.accepts(100, BACK_WITHIN).await;
    for _ in 0..2 {
        system.redis::<()>(&["FLUSHALL"]).await;
        load.accepts(100, BACK_WITHIN).await;
    }
    system.stack().wipe(Server::Redis).await.unwrap();
    system.stack().start(Server::Redis).await.unwrap();
    load.accepts(100, BACK_WITHIN).await;
    system.redis::<()>(&["SCRIPT", "FLUSH"]).await;
    load.accepts(100, BACK_WITHIN).await;
    let report = load.finish().await;
    report.assert_answered_within(ANSWERED_WITHIN);
    report.assert_stored().await;
    report.assert_numbers_go_on().await;
    let conflicts = store::dead_letters::list(&mut system.store().acquire().await.unwrap(), 0, 10).await.unwrap();
    assert!(conflicts.is_empty(), "{conflicts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_may_evict_keys_gives_no_numbers() {
    let system = System::builder().own(Server::Redis).replicas(Service::Ingest, 0).start().await;
    let application = system.create_application("eviction").await;
    system.redis::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    system.launch(Service::Ingest).await;
    let ready = system.ingest("GET", "/readyz").send().await.expect(503);
    assert_eq!((&ready["status"], &ready["dependencies"]["redis"]["state"]), (&"unavailable".into(), &"down".into()));
    assert!(ready["dependencies"]["redis"]["detail"].as_str().unwrap().contains("allkeys-lru"), "{ready}");
    application.attempt_chat().send().await.problem(503, "dependency_unavailable");
    // The operator mends it, and that is all.
    system.redis::<()>(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    system.ready().await;
    assert_eq!(number_of(|| application.attempt_chat()).await, 1);
    // It is noticed while numbers are given, too.
    system.redis::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]).await;
    eventually("it is seen who may evict", Duration::from_secs(2), async || {
        system.ingest("GET", "/readyz").send().await.status == 503
    })
    .await;
}
