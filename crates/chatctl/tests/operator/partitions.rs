//! `chatctl partitions`: another number of them, as the manual says, with creates in the queues. Nothing is lost, doubled or
//! given twice, also where an ingest was forgotten.

use std::time::Duration;

use events::PartitionCount;
use testkit::{Application, Chat, Load, Report, Service, System, eventually};

use crate::{
    process::{fails, succeeds},
    world::id_of,
};

const VARIABLE: &str = "CHAT__AMQP__PARTITIONS";
const FEW: &str = "4";
const MANY: &str = "8";
const SOON: Duration = Duration::from_secs(30);
/// So long a forgotten ingest is asked again and again.
const MOMENT: Duration = Duration::from_secs(3);

/// No service runs yet. The settings name the larger number, by which the queues are removed in the end.
async fn system() -> System {
    let none = [Service::Api, Service::Ingest, Service::Consumer];
    none.into_iter().fold(System::builder().set(VARIABLE, MANY), |builder, service| builder.replicas(service, 0)).start().await
}

async fn launch(system: &System, service: Service, partitions: &str) {
    system.try_launch(service, &[(VARIABLE, partitions)]).await.unwrap_or_else(|sentence| panic!("{service:?}: {sentence}"));
}

async fn launch_all(system: &System, partitions: &str) {
    for service in [Service::Consumer, Service::Ingest, Service::Api] {
        launch(system, service, partitions).await;
    }
    system.ready().await;
}

async fn create_chats(application: &Application) -> Vec<Chat> {
    let mut chats = Vec::new();
    for _ in 0..12 {
        chats.push(application.create_chat().await);
    }
    chats
}

async fn nothing_waits(system: &System) {
    let none = async || succeeds(system, &["partitions", "show"]).await.text().contains("; 0 groups of creates waiting");
    eventually("nothing waits in the queues", SOON, none).await;
}

/// All that was accepted is there once, and each chat's numbers go on.
async fn all_is_there(report: &Report, first: &Chat) {
    // A new epoch is found to be needed, and opened.
    let number = first.post("the first behind the change").await;
    first.await_stored(number).await;
    report.assert_stored().await;
    report.assert_numbers_go_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_number_of_partitions_loses_and_doubles_nothing() {
    let system = system().await;
    launch_all(&system, FEW).await;
    let application = system.create_application("repartitioned").await;
    let chats = create_chats(&application).await;
    let load = Load::start(&chats, 4);
    load.accepts(60, SOON).await;
    system.stop(Service::Consumer).await;
    load.accepts(60, SOON).await;
    // Of a chat, too, the creation waits in a queue.
    let waiting = application.create_chat().await;
    assert_eq!(waiting.post("in a chat that waits").await, 1);
    let before = load.finish().await;
    system.stop(Service::Ingest).await;

    // What waits is in the way, and stays.
    let said = succeeds(&system, &["partitions", "show"]).await.text();
    assert!(said.contains("4 partitions; ") && !said.contains("; 0 groups"), "{said}");
    let refusal = fails(&system, &["partitions", "change", MANY]).await.err;
    assert!(refusal.contains("that are not stored: start a consumer"), "{refusal}");
    launch(&system, Service::Consumer, FEW).await;
    nothing_waits(&system).await;
    let refusal = fails(&system, &["partitions", "change", MANY]).await.err;
    assert!(refusal.contains("has a consumer"), "{refusal}");
    system.stop(Service::Consumer).await;
    let said = succeeds(&system, &["partitions", "change", MANY]).await.text();
    assert!(said.contains("8 partitions, 4 before") && said.contains("CHAT__AMQP__PARTITIONS=8"), "{said}");

    // Reads were never away. Whoever is started with the number of before is told so.
    chats[0].message(1).await.expect(200);
    let refusal = system.try_launch(Service::Ingest, &[(VARIABLE, FEW)]).await.unwrap_err();
    assert!(refusal.contains("has 8 partitions, this service is configured for 4"), "{refusal}");
    system.stop(Service::Api).await;
    launch_all(&system, MANY).await;
    all_is_there(&before, &chats[0]).await;
    waiting.await_stored(1).await;
    assert_eq!(waiting.post("in another queue now").await, 2);
    assert_eq!(application.create_chat().await.number, waiting.number + 1);

    // And back, where four queues go.
    let others = create_chats(&application).await;
    let load = Load::start(&others, 4);
    load.accepts(60, SOON).await;
    let again = load.finish().await;
    system.stop(Service::Ingest).await;
    nothing_waits(&system).await;
    system.stop(Service::Consumer).await;
    succeeds(&system, &["partitions", "change", FEW]).await;
    system.stop(Service::Api).await;
    launch_all(&system, FEW).await;
    all_is_there(&again, &others[0]).await;
    before.assert_stored().await;
    let indexed = async || {
        let said = succeeds(&system, &["verify", "--json"]).await.json();
        said["checked"]["messages"] == said["checked"]["documents"]
    };
    eventually("each message is indexed", SOON, indexed).await;
}

/// Of the few queues that it believes in, each is there behind the change as well, and its epoch is the others'.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ingest_that_was_forgotten_gives_no_number_behind_the_change() {
    let system = system().await;
    launch_all(&system, FEW).await;
    let application = system.create_application("forgetful").await;
    let id = id_of(&system, &application).await;
    let count = |text: &str| PartitionCount::new(text.parse().unwrap()).unwrap();
    let chat = loop {
        let chat = application.create_chat().await;
        let number = domain::ChatNumber::new(chat.number).unwrap();
        if count(FEW).partition_of(id, number) != count(MANY).partition_of(id, number) {
            break chat;
        }
    };
    assert_eq!(chat.post("before").await, 1);
    chat.await_stored(1).await;
    nothing_waits(&system).await;
    system.stop(Service::Consumer).await;
    succeeds(&system, &["partitions", "change", MANY]).await;
    launch(&system, Service::Consumer, MANY).await;
    launch(&system, Service::Ingest, MANY).await;

    let path = format!("{}/messages", chat.path());
    let post = |replica: usize, text: String| {
        let ask = system.client().ask_one(Service::Ingest, replica, "POST", &path);
        async move { ask.json(serde_json::json!({ "body": text })).send().await }
    };
    let (forgotten, new) = (0, 1);
    // Whichever of them opens the epoch, or finds it opened.
    let mut number = 0;
    let accepted = async || {
        let answer = post(new, "behind the change".to_owned()).await;
        if answer.status == 201 {
            number = answer.json()["number"].as_u64().unwrap();
        }
        number > 0
    };
    eventually("creates are accepted", SOON, accepted).await;
    assert_eq!(number, 2);
    let began = std::time::Instant::now();
    for attempt in 1.. {
        let answer = post(forgotten, format!("attempt {attempt}")).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        number += 1;
        assert_eq!(post(new, format!("between {attempt}")).await.expect(201)["number"], number);
        if began.elapsed() > MOMENT {
            break;
        }
    }
    chat.await_stored(number).await;
    let letters = store::dead_letters::list(&mut system.store().acquire().await.unwrap(), 0, 10).await.unwrap();
    assert!(letters.is_empty(), "{letters:?}");
}
