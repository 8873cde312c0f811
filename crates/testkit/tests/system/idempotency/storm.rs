//! Retries while everything that can fail does.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use testkit::{Application, Chat, Server, Service, System, eventually};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{INSISTS_FOR, assert_no_conflict, end_epoch, insist, number};

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
    let first_hundred: Vec<u64> = scenes.iter().copied().take(100).collect();
    let stored = async || {
        let page = system.api("GET", &path).send().await.expect(200);
        page.as_array().unwrap().iter().map(|chat| chat["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    // A number that nobody got ends the page for as long as it may still come.
    eventually("the list is whole", INSISTS_FOR, async || stored().await.len() >= first_hundred.len()).await;
    assert_eq!(stored().await, first_hundred);
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
