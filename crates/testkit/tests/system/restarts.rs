//! Each of the four servers killed, and paused in mid-air, under concurrent creates: everybody gets an answer in time, nothing
//! that was acknowledged is lost, and all goes on by itself.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use testkit::{Chat, Load, Server, Service, System, eventually};

use crate::answers::Table;

/// The longest that anybody may wait for an answer: three seconds, and what a busy machine adds.
const ANSWERED_WITHIN: Duration = Duration::from_millis(3_500);
/// How soon creates must succeed again.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// For how long clients may be slower than they were. A connection that nobody replaces makes them slow for good; a busy machine,
/// which gives other tests its processors just then, for a while.
const SLOW_FOR: Duration = Duration::from_secs(40);
/// So many accepted messages show how fast clients are.
const SOME: u64 = 120;
/// How long a server stays away: longer than every timeout.
const OUTAGE: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_is_killed_and_paused_under_load() {
    survives(Server::Mysql, "MySQL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbitmq_is_killed_and_paused_under_load() {
    survives(Server::Rabbitmq, "RabbitMQ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_and_paused_under_load() {
    survives(Server::Redis, "Redis").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn elasticsearch_is_killed_and_paused_under_load() {
    survives(Server::Elasticsearch, "Elasticsearch").await;
}

async fn survives(server: Server, column: &str) {
    let table = Table::of(column);
    let system = System::builder().own(server).replicas(Service::Ingest, 2).start().await;
    let application = system.create_application("restarts").await;
    let chats = [application.create_chat().await, application.create_chat().await];
    // Looked at and edited meanwhile; the others' messages must stay as they were accepted.
    let aside = application.create_chat().await;
    aside.post("a speech aside").await;
    aside.await_stored(1).await;
    let load = Load::start(&chats, 6);
    table.is_over(&aside, system.client()).await;
    let usual = load.accepts(SOME, BACK_WITHIN).await;

    system.stack().kill(server).await.unwrap();
    table.holds_for(OUTAGE, &aside, system.client()).await;
    system.stack().start(server).await.unwrap();
    is_back(&system, &table, &load, usual, &aside).await;

    system.stack().pause(server).unwrap();
    // It tells of a connection that is open until heartbeats have failed; creates are refused from the first.
    let unready = (server == Server::Rabbitmq).then_some(Service::Ingest);
    table.holds_but(unready, OUTAGE, &aside, system.client()).await;
    system.stack().resume(server).unwrap();
    is_back(&system, &table, &load, usual, &aside).await;

    let report = load.finish().await;
    if matches!(server, Server::Mysql | Server::Elasticsearch) {
        assert_eq!(report.refused(), 0, "a create waited for {server}");
    }
    report.assert_answered_within(table.answered_within);
    report.assert_stored().await;
    report.assert_found().await;
    report.assert_numbers_go_on().await;
    system.ready().await;
}

/// What cannot be published waits in a bounded queue; beyond it clients are refused at once rather than kept waiting.
/// What Redis is asked for behind the confirm is not needed for the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_that_is_confirmed_while_redis_hangs_is_answered_as_created() {
    let system = System::builder().own(Server::Rabbitmq).own(Server::Redis);
    // Whoever waited for Redis here would wait until long after the create's time is over.
    let system = system.set("CHAT__REDIS__RESPONSE_TIMEOUT_MS", 20_000).set("CHAT__INGEST__CREATE_TIMEOUT_MS", 10_000);
    let system = system.set("CHAT__AMQP__CONFIRM_TIMEOUT_MS", 10_000).start().await;
    let application = system.create_application("hanging").await;
    application.create_chat().await;
    system.stack().pause(Server::Rabbitmq).unwrap();
    let create = tokio::spawn(application.attempt_chat().send());
    eventually("the number is given", BACK_WITHIN, async || {
        let keys: Vec<String> = system.redis(&["KEYS", &format!("*{{{}}}:*", application.token)]).await;
        let application = keys.iter().min_by_key(|key| key.len()).expect("the application's counter");
        system.redis::<u64>(&["HGET", application, "chats"]).await == 2
    })
    .await;
    system.stack().pause(Server::Redis).unwrap();
    system.stack().resume(Server::Rabbitmq).unwrap();
    let answer = create.await.unwrap();
    system.stack().resume(Server::Redis).unwrap();
    assert_eq!(answer.expect(201)["number"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_at_once_while_the_broker_hangs() {
    let system = System::builder()
        .own(Server::Rabbitmq)
        .set("CHAT__AMQP__QUEUE_CAPACITY", 3)
        .set("CHAT__AMQP__GROUP_ITEMS", 1)
        .set("CHAT__AMQP__IN_FLIGHT", 1)
        .start()
        .await;
    let chat = system.create_application("full").await.create_chat().await;
    chat.post("before").await;
    system.stack().pause(Server::Rabbitmq).unwrap();
    let answers = join_all((0..40).map(|_| chat.attempt_post("into the queue").send())).await;
    let overloaded = answers.iter().filter(|answer| answer.json()["code"] == "overloaded").collect::<Vec<_>>();
    assert!(overloaded.len() >= 30, "{} of 40", overloaded.len());
    for answer in overloaded {
        answer.problem(503, "overloaded");
        assert!(answer.took < Duration::from_secs(1), "{:?}", answer.took);
    }
    for answer in &answers {
        assert_eq!((answer.status, answer.took <= ANSWERED_WITHIN), (503, true), "{:?} {}", answer.took, answer.text());
    }
    system.stack().resume(Server::Rabbitmq).unwrap();
    let accepted = async || chat.attempt_post("after").send().await.status == 201;
    eventually("creates are accepted again", BACK_WITHIN, accepted).await;
}

/// Soon after the server's return every request is answered as before, each replica accepts creates, and clients are as fast as
/// they were.
async fn is_back(system: &System, table: &Table, load: &Load, usual: Duration, aside: &Chat) {
    table.is_over(aside, system.client()).await;
    aside.accepted_everywhere("another aside", table.back_within).await;
    let began = Instant::now();
    // Half of what they were is as fast: they share the machine with other tests.
    while load.accepts(SOME / 2, table.back_within).await > usual {
        assert!(began.elapsed() <= SLOW_FOR, "clients are slow for {:?}", began.elapsed());
    }
}
