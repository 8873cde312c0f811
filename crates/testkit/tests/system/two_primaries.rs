//! Two Redis that both think they are the primary, as after a failover that cut the old one off from some: whoever is left with
//! the old one calls nothing unknown that the others acknowledge, and who only reads does not disturb those who give numbers.

use std::time::Duration;

use devstack::{Quiet, Server, Stack, StackOptions};
use testkit::{Answer, Service, System, eventually};

/// How soon creates must succeed behind a change of epochs.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// The ingest that was started first is left with the first Redis, the other one works with the second.
const LEFT_BEHIND: usize = 0;
const MOVED: usize = 1;

/// Creates at one of the two.
async fn create(system: &System, replica: usize, path: &str) -> Answer {
    let ask = system.client().ask_one(Service::Ingest, replica, "POST", path);
    if path.ends_with("/messages") { ask.json(serde_json::json!({ "body": "text" })).send().await } else { ask.send().await }
}

/// Creates until it is accepted, and tells the number.
async fn created(system: &System, replica: usize, path: &str) -> u64 {
    let mut number = None;
    eventually("a create is accepted", BACK_WITHIN, async || {
        let answer = create(system, replica, path).await;
        number = (answer.status == 201).then(|| answer.json()["number"].as_u64().unwrap());
        number.is_some()
    })
    .await;
    number.unwrap()
}

async fn highest_epoch(system: &System) -> u64 {
    store::epochs::highest(&mut system.store().acquire().await.unwrap()).await.unwrap().unwrap().get()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_has_acknowledged_is_not_unknown_to_who_is_left_with_the_other() {
    let second = Stack::up(StackOptions::only([Server::Redis]), &Quiet).await.unwrap();
    let system = System::start().await;
    let application = system.create_application("split").await;
    let (chats, chat) = (format!("{}/chats", application.path()), application.create_chat().await);
    let messages = format!("{}/messages", chat.path());
    assert_eq!(chat.post("before").await, 1);
    chat.await_stored(1).await;

    system.try_launch(Service::Ingest, &[("REDIS_URL", &second.urls().redis)]).await.unwrap();
    // Its counters are seeded now, so that it goes on without the consumer.
    assert_eq!(created(&system, MOVED, &chats).await, 2);
    assert_eq!(created(&system, MOVED, &messages).await, 2);
    chat.await_stored(2).await;
    let epoch = highest_epoch(&system).await;
    system.stop(Service::Consumer).await;
    assert_eq!(created(&system, MOVED, &messages).await, 3);
    assert_eq!(created(&system, MOVED, &chats).await, 3);

    // The api asks the first Redis, which has never heard of either. It cannot know more than that they may come.
    let pending = chat.message(3).await;
    assert_eq!(pending.expect(202)["number"], 3);
    for _ in 0..5 {
        for answer in [chat.message(3).await, application.chat(3).read().await] {
            assert!([202, 503].contains(&answer.status), "{}: {}", answer.status, answer.text());
        }
    }
    assert_eq!(highest_epoch(&system).await, epoch, "who only reads has ended the epoch of those who give numbers");
    assert_eq!(create(&system, MOVED, &messages).await.expect(201)["number"], 4);

    // Nor does the ingest that is left behind call the chat unknown.
    system.launch(Service::Consumer).await;
    let answer = create(&system, LEFT_BEHIND, &format!("{chats}/3/messages")).await;
    assert!([201, 503].contains(&answer.status), "{}: {}", answer.status, answer.text());
    assert_eq!(created(&system, LEFT_BEHIND, &messages).await, 5);
    create(&system, LEFT_BEHIND, &format!("{chats}/9/messages")).await.problem(404, "chat_not_found");
    chat.await_stored(5).await;
    let numbers: Vec<u64> = chat.messages().await.into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}
