//! What was acknowledged and is not stored yet may still come, and is never called unknown; a gap is, once it is proven.

use std::time::Duration;

use sequencer::{Adoption, MessageIssue, Sequencer};
use serde_json::json;
use testkit::{Answer, Application, Service, System, eventually};

/// The longest that a read may take, and what a busy machine adds.
const LONGEST: Duration = Duration::from_millis(3_300);
/// An answer that waited for nothing.
const AT_ONCE: Duration = Duration::from_millis(800);

fn assert_pending(answer: &Answer, number: u64) {
    assert_eq!(answer.expect(202), json!({ "number": number, "status": "accepted" }));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.took <= LONGEST, "{:?}", answer.took);
}

/// The consumer stops after it has seen the application, so that no counter waits for it.
async fn without_consumer() -> (System, Application) {
    let system = System::start().await;
    let application = system.create_application("early").await;
    application.create_chat().await.read().await.expect(200);
    system.stop(Service::Consumer).await;
    (system, application)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_stored_yet_is_pending_and_then_there() {
    let (system, application) = without_consumer().await;
    let chat = application.create_chat().await;
    let number = chat.post("Hello").await;

    let chat_path = chat.path();
    let pending = |path: &str| system.api("GET", &format!("{chat_path}{path}")).send();
    let (message, itself, list, search) =
        tokio::join!(chat.message(number), chat.read(), pending("/messages"), pending("/messages/search?query=ell"));
    assert_pending(&message, number);
    for answer in [&itself, &list, &search] {
        assert_pending(answer, chat.number);
    }

    let rename = system.api("PATCH", &chat_path).json(json!({ "name": "x" })).send();
    let (edit, rename) = tokio::join!(chat.edit(number, "Bye"), rename);
    for answer in [&edit, &rename] {
        answer.problem(409, "not_yet_stored");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(answer.took <= LONGEST, "{:?}", answer.took);
    }

    // Numbers that were never given are known to be so without any wait.
    for answer in [chat.message(number + 1).await, chat.edit(number + 1, "x").await] {
        answer.problem(404, "message_not_found");
        assert!(answer.took <= AT_ONCE, "{:?}", answer.took);
    }
    let answer = application.chat(3).read().await;
    answer.problem(404, "chat_not_found");
    assert!(answer.took <= AT_ONCE, "{:?}", answer.took);

    // Whoever asks while it is being stored gets it with the first answer.
    let (message, ()) = tokio::join!(chat.message(number), system.launch(Service::Consumer));
    assert!(message.status == 200 || message.status == 202, "{}", message.text());
    chat.await_stored(number).await;
    assert_eq!(chat.message(number).await.expect(200)["body"], "Hello");
    assert_eq!(chat.edit(number, "Bye").await.expect(200)["body"], "Bye");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_waits_for_what_is_on_its_way() {
    let system = System::start().await;
    let chat = system.create_application("quick").await.create_chat().await;
    assert_eq!(chat.read().await.expect(200)["number"], 1);
    for number in 1..=20 {
        assert_eq!(chat.post(&format!("text {number}")).await, number);
        assert_eq!(chat.message(number).await.expect(200)["body"], format!("text {number}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_is_pending_until_a_fence_has_proven_it() {
    let system = System::start().await;
    let application = system.create_application("gaps").await;
    let chat = application.create_chat().await;
    assert_eq!(chat.post("one").await, 1);
    chat.await_stored(1).await;
    // A number is taken, and whoever took it is never heard of again.
    let sequencer = Sequencer::connect(&system.config::<ingest::Config>().redis).unwrap();
    let Adoption::Adopted(adopted) = sequencer.adopt().await.unwrap() else { panic!("no epoch is open") };
    let token = domain::ApplicationToken::parse(&application.token).unwrap();
    let taken = sequencer.issue_messages_once(&adopted, token, domain::ChatNumber::new(1).unwrap(), 1, None, None).await.unwrap();
    assert!(matches!(taken, MessageIssue::Issued { number, .. } if number.get() == 2), "{taken:?}");
    assert_eq!(chat.post("three").await, 3);

    let answer = chat.message(2).await;
    answer.problem(404, "message_not_found");
    assert!(answer.took <= LONGEST, "{:?}", answer.took);
    chat.edit(2, "x").await.problem(404, "message_not_found");

    // Without a consumer nothing can be proven.
    system.stop(Service::Consumer).await;
    assert_pending(&chat.message(2).await, 2);
    chat.edit(2, "x").await.problem(409, "not_yet_stored");
    system.launch(Service::Consumer).await;
    eventually("the gap is proven", Duration::from_secs(15), async || chat.message(2).await.status == 404).await;
}
