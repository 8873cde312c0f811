//! What an epoch that is over left pending: looked up behind a fence, and never guessed.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use testkit::{Service, System, eventually};

use super::{BACK_WITHIN, assert_no_conflict, end_epoch, epochs, insist, number, post, records, replayed};

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
