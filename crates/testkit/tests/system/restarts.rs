//! Each of the four servers killed, and paused in mid-air, under concurrent creates: everybody gets an answer in time, nothing that
//! was acknowledged is lost, and all goes on by itself.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use testkit::{Application, Chat, Load, Server, Service, System, eventually};

/// The longest that anybody may wait for an answer: three seconds, and what a busy machine adds.
const ANSWERED_WITHIN: Duration = Duration::from_millis(3_500);
/// How soon creates must succeed again.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// How long a server stays away: longer than every timeout.
const OUTAGE: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_is_killed_and_paused_under_load() {
    survives(Server::Mysql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbitmq_is_killed_and_paused_under_load() {
    survives(Server::Rabbitmq).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_and_paused_under_load() {
    survives(Server::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn elasticsearch_is_killed_and_paused_under_load() {
    survives(Server::Elasticsearch).await;
}

async fn survives(server: Server) {
    let system = System::builder().own(server).replicas(Service::Ingest, 2).start().await;
    let application = system.create_application("restarts").await;
    let chats = [application.create_chat().await, application.create_chat().await];
    // Looked at and edited meanwhile; the others' messages must stay as they were accepted.
    let aside = application.create_chat().await;
    aside.post("a speech aside").await;
    aside.await_stored(1).await;
    let load = Load::start(&chats, 6);
    load.accepts(60, BACK_WITHIN).await;

    system.stack().kill(server).await.unwrap();
    requests_are_answered(&application, &aside).await;
    system.stack().start(server).await.unwrap();
    aside.accepted_everywhere("another aside", BACK_WITHIN).await;
    load.accepts(60, BACK_WITHIN).await;

    system.stack().pause(server).unwrap();
    requests_are_answered(&application, &aside).await;
    system.stack().resume(server).unwrap();
    aside.accepted_everywhere("another aside", BACK_WITHIN).await;
    load.accepts(60, BACK_WITHIN).await;

    let report = load.finish().await;
    if matches!(server, Server::Mysql | Server::Elasticsearch) {
        assert_eq!(report.refused(), 0, "a create waited for {server}");
    }
    report.assert_answered_within(ANSWERED_WITHIN);
    eventually("an application is created", BACK_WITHIN, async || creation(&system).await).await;
    report.assert_stored().await;
    report.assert_found().await;
    report.assert_numbers_go_on().await;
    system.ready().await;
}

/// What cannot be published waits in a bounded queue; beyond it clients are refused at once rather than kept waiting.
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

async fn creation(system: &System) -> bool {
    system.api("POST", "/applications").json(serde_json::json!({ "name": "after" })).send().await.status == 201
}

/// Of every kind, for as long as the outage lasts. Each answer comes in time, and is right or a 503 in form.
async fn requests_are_answered(application: &Application, chat: &Chat) {
    let began = Instant::now();
    while began.elapsed() < OUTAGE {
        let (message, unknown) = (chat.message(1), chat.message(9_000_000));
        let (search, edit) = (chat.search_page(&[("query", "speech")]), chat.edit(1, "an edit in the dark"));
        let create = application.attempt_chat().send();
        let answers = tokio::join!(message, unknown, search, edit, application.read(), create);
        let answers = [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5];
        for (answer, right) in answers.iter().zip([200, 404, 200, 200, 200, 201]) {
            assert!(answer.took <= ANSWERED_WITHIN, "an answer took {:?}: {} {}", answer.took, answer.status, answer.text());
            if answer.status != right {
                let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
                answer.problem(503, &code);
            }
        }
        // Refusals come at once: without a pause this would be a load of its own.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
