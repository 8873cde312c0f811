//! What the console does: dead letters are stored after all or let go, and the counts are brought up to date.

use serde_json::{Value, json};
use store::dead_letters::Reason;
use testkit::{Service, System};

use super::{act, csrf_token, id_of, keep, message, snapshot, snapshot_with};

fn listed(snapshot: &Value) -> Vec<u64> {
    snapshot["letters"]["list"].as_array().unwrap().iter().map(|letter| letter["id"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_are_looked_at_stored_after_all_and_let_go() {
    let system = System::start().await;
    let application = system.create_application("letters").await;
    let chat = application.create_chat().await;
    let id = id_of(&system, &application).await;
    chat.post("what is stored").await;
    chat.await_stored(1).await;
    let rival = message(id, 1, "<b>a rival</b>");
    keep(&system, Reason::Conflict, &rival).await;
    keep(&system, Reason::Rejected, &message(id, 2, "stored after all")).await;
    keep(&system, Reason::Rejected, &message(id, 3, "let go")).await;
    let code = csrf_token(&system).await;

    let shown = snapshot_with(&system, "three letters", |shown| listed(shown) == [1, 2, 3]).await;
    assert_eq!(shown["letters"]["unresolved"][0], json!(["conflict", 1]));
    assert_eq!(shown["letters"]["list"][1]["detail"], "kept by a test");
    let conflict = system.api("GET", "/console/letters/1").send().await.expect(200);
    assert_eq!((&conflict["stored"]["text"], &conflict["own"]["text"]), (&json!("what is stored"), &json!("<b>a rival</b>")));
    assert_eq!(conflict["event"], rival.event_id().to_string());

    let refused = act(&system, &code, "letters/1/retry").await;
    assert!(refused["is_done"] == false && refused["told"].as_str().unwrap().starts_with("refused, conflict: "), "{refused}");
    let retried = act(&system, &code, "letters/2/retry").await;
    assert_eq!((&retried["is_done"], &retried["told"]), (&json!(true), &json!("stored: 1 item")));
    assert_eq!(chat.message(2).await.expect(200)["body"], "stored after all");
    assert_eq!(act(&system, &code, "letters/2/retry").await["told"], "stored already");
    let discarded = act(&system, &code, "letters/3/discard").await;
    assert_eq!((&discarded["is_done"], &discarded["told"]), (&json!(true), &json!("discarded")));
    let left = act(&system, &code, "letters/2/discard").await;
    assert!(left["is_done"] == false && left["told"].as_str().unwrap().starts_with("left as it is: stored at "), "{left}");
    assert_eq!(listed(&snapshot_with(&system, "one is left", |shown| listed(shown).len() == 1).await), [1]);
    // What was let go can be stored all the same, as long as its payload is there.
    assert_eq!(act(&system, &code, "letters/3/retry").await["told"], "stored: 1 item");
    assert_eq!(chat.message(3).await.expect(200)["body"], "let go");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_brings_the_counts_up_to_date_when_asked() {
    let system = System::builder().set("CHAT__CACHE__ENABLED", false).replicas(Service::Consumer, 2).start().await;
    let application = system.create_application("counts").await;
    let chat = application.create_chat().await;
    chat.post("one").await;
    chat.await_stored(1).await;
    // The consumers of tests count once a day by themselves.
    assert_eq!(chat.read().await.expect(200)["messages_count"], 0);
    let code = csrf_token(&system).await;
    let consumers = |shown: &Value| shown["counts"]["every"] == 86_400;
    assert_eq!(snapshot_with(&system, "the consumers", consumers).await["counts"]["last"], Value::Null);
    assert_eq!(act(&system, &code, "counts/run").await["is_done"], true);
    let counted = snapshot_with(&system, "the counts' run", |shown| shown["counts"]["last"].is_object()).await;
    assert_eq!((&counted["counts"]["last"]["marks"], &counted["counts"]["is_wanted"]), (&json!(2), &json!(false)));
    assert_eq!(chat.read().await.expect(200)["messages_count"], 1);

    system.stop(Service::Consumer).await;
    system.stop(Service::Consumer).await;
    let gone = |shown: &Value| shown["counts"]["every"].is_null();
    snapshot_with(&system, "no consumer", gone).await;
    let asked = system.api("POST", "/console/counts/run").header("x-csrf-token", &code).send().await;
    asked.problem(503, "dependency_unavailable");
    assert_eq!(snapshot(&system).await["queues"][0]["is_consumed"], false);
}
