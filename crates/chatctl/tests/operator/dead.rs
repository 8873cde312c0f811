//! `chatctl dead`: lists without texts, one letter whole, retries and letting go, each with what it refuses.

use std::{fs::File, process::Stdio};

use domain::{ApplicationId, Timestamp};
use events::{Epoch, Identity, Item};
use serde_json::json;
use store::dead_letters::{self, DeadLetter, Reason};
use testkit::System;

use crate::{
    process::{command, fails, succeeds},
    world::{self, id_of},
};

fn message(application_id: ApplicationId, number: u64, body: &str) -> Item {
    Item::Message(world::message(application_id, number, body))
}

async fn keep(system: &System, reason: Reason, item: &Item) {
    let payload = serde_json::to_vec(item).unwrap();
    keep_payload(system, reason, Identity::from(item), payload).await;
}

async fn keep_payload(system: &System, reason: Reason, identity: Identity, payload: Vec<u8>) {
    let letter = DeadLetter { reason, detail: "kept by a test".to_owned(), identity, payload, created_at: Timestamp::now() };
    dead_letters::add(&mut system.store().acquire().await.unwrap(), &[letter]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_are_listed_without_texts_and_shown_with_them() {
    let system = System::start().await;
    let application = system.create_application("letters").await;
    let chat = application.create_chat().await;
    let id = id_of(&system, &application).await;
    assert_eq!(succeeds(&system, &["dead", "list"]).await.text(), "no dead letters\n");

    chat.post("what is stored").await;
    chat.await_stored(1).await;
    let rival = message(id, 1, "a \u{1b}[2J rival");
    keep(&system, Reason::Conflict, &rival).await;
    keep(&system, Reason::Rejected, &message(id, 7, "a secret")).await;
    let bytes: Vec<u8> = (0..=255).collect();
    keep_payload(&system, Reason::UndecodablePayload, Identity::default(), bytes.clone()).await;

    let listed = succeeds(&system, &["dead", "list"]).await.text();
    let first: Vec<&str> = listed.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(first, ["id", "1", "2", "3"], "{listed}");
    assert!(!listed.contains("secret") && !listed.contains("rival"), "{listed}");
    let json = succeeds(&system, &["dead", "list", "--json", "--after", "1", "--limit", "1"]).await.json();
    assert_eq!((json.as_array().unwrap().len(), &json[0]["message"], &json[0]["resolution"]), (1, &json!(7), &json!(null)));
    let json = succeeds(&system, &["dead", "list", "--json", "--reason", "conflict"]).await.json();
    assert_eq!(json[0]["event_id"], rival.event_id().to_string());
    let refused = fails(&system, &["dead", "list", "--reason", "bad"]).await;
    assert!(refused.err.contains("undecodable_payload"), "{}", refused.err);

    let shown = succeeds(&system, &["dead", "show", "1"]).await.text();
    for part in ["what is stored", "a \\u{1b}[2J rival", &rival.event_id().to_string(), "dead letter", "conflict"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(!shown.contains('\u{1b}'));
    let json = succeeds(&system, &["dead", "show", "1", "--json"]).await.json();
    assert_eq!((&json["stored"]["text"], &json["payload"]["body"]), (&json!("what is stored"), &json!("a \u{1b}[2J rival")));
    let shown = succeeds(&system, &["dead", "show", "3"]).await.text();
    assert!(shown.contains("000102030405") && shown.contains("fdfeff"), "{shown}");
    let raw = ["dead", "show", "3", "--raw"];
    assert_eq!(succeeds(&system, &raw).await.out, bytes);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    // tokio's `output` would take standard output for itself.
    let into = async |place: Stdio| {
        let chatctl = command(&system, &raw).stdout(place).stderr(Stdio::piped()).spawn().unwrap();
        chatctl.wait_with_output().await.unwrap()
    };
    let closed = into(writer.into()).await;
    assert!(closed.status.success() && closed.stderr.is_empty(), "{closed:?}");
    let full = File::options().write(true).open("/dev/full").unwrap();
    let full = into(full.into()).await;
    assert!(!full.status.success() && full.stderr.starts_with(b"chatctl: "), "{full:?}");
    assert!(fails(&system, &["dead", "show", "99"]).await.err.contains("no dead letter 99"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_are_stored_after_all_or_let_go_and_never_both() {
    let system = System::start().await;
    let application = system.create_application("letters").await;
    let chat = application.create_chat().await;
    let id = id_of(&system, &application).await;
    chat.post("what is stored").await;
    chat.await_stored(1).await;
    for (reason, number) in
        [(Reason::Rejected, 2), (Reason::Conflict, 1), (Reason::Rejected, 3), (Reason::ChatMissing, 4), (Reason::Rejected, 5)]
    {
        keep(&system, reason, &message(id, number, &format!("letter {number}"))).await;
    }

    assert!(fails(&system, &["dead", "retry"]).await.err.contains("required"));
    assert!(!fails(&system, &["dead", "retry", "1", "--all"]).await.err.is_empty());
    assert_eq!(succeeds(&system, &["dead", "retry", "1"]).await.text(), "1: stored: 1 item\n1 letter tried\n");
    assert_eq!(chat.message(2).await.expect(200)["body"], "letter 2");
    let again = fails(&system, &["dead", "retry", "1", "2", "99"]).await;
    let lines: Vec<String> = again.text().lines().map(str::to_owned).collect();
    assert_eq!((lines[0].as_str(), lines[2].as_str()), ("1: stored already", "99: there is no such letter"));
    assert!(lines[1].starts_with("2: refused, conflict: event "), "{}", lines[1]);
    assert!(again.err.contains("2 letters are not stored"), "{}", again.err);

    // The fifth is let go before it can be stored with the others of its reason.
    assert!(fails(&system, &["dead", "discard", "5"]).await.err.contains("--yes"));
    assert_eq!(succeeds(&system, &["dead", "discard", "5", "--yes"]).await.text(), "5: discarded\n");
    let retried = succeeds(&system, &["dead", "retry", "--reason", "rejected"]).await.text();
    assert_eq!(retried, "3: stored: 1 item\n1 letter tried\n");
    let retried = fails(&system, &["dead", "retry", "--all"]).await.text();
    assert!(retried.contains("4: stored: 1 item\n") && retried.contains("2: refused") && !retried.contains("5:"), "{retried}");
    chat.await_found("letter", &[2, 3, 4], std::time::Duration::from_secs(10)).await;

    let left = fails(&system, &["dead", "discard", "1", "5", "99", "--yes", "--erase"]).await.text();
    assert!(left.starts_with("1: left as it is: stored at "), "{left}");
    assert!(left.contains("5: discarded already; its payload is erased\n99: there is no such letter\n"), "{left}");
    assert!(fails(&system, &["dead", "retry", "5"]).await.text().contains("nothing to store"));
    let listed = succeeds(&system, &["dead", "list", "--all", "--json"]).await.json();
    let resolutions: Vec<_> = listed.as_array().unwrap().iter().map(|letter| letter["resolution"].clone()).collect();
    assert_eq!(resolutions, [json!("stored"), json!(null), json!("stored"), json!("stored"), json!("discarded")]);
    assert_eq!(listed[4]["payload_bytes"], 0);
    assert_eq!(succeeds(&system, &["dead", "list", "--json"]).await.json().as_array().unwrap().len(), 1);
}

/// What cannot be told without Redis keeps nothing from being stored that can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_cannot_be_tried_keeps_none_behind_it() {
    let system = System::start().await;
    let application = system.create_application("letters").await;
    let chat = application.create_chat().await;
    let id = id_of(&system, &application).await;
    chat.post("what is stored").await;
    chat.await_stored(1).await;
    let unread = events::encode_items(Epoch::new(1), &[message(id, 2, "whose number was known to no one")]).unwrap();
    keep_payload(&system, Reason::UndecodablePayload, Identity::default(), unread).await;
    keep(&system, Reason::Rejected, &message(id, 3, "letter 3")).await;

    let mut command = command(&system, &["dead", "retry", "--all"]);
    let output = command.env("REDIS_URL", "redis://127.0.0.1:1").output().await.unwrap();
    let (text, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(!output.status.success() && told.contains("1 letter is not stored"), "{told}");
    assert!(text.starts_with("1: could not be tried: ") && text.contains("\n2: stored: 1 item\n"), "{text}");
    assert_eq!(chat.message(3).await.expect(200)["body"], "letter 3");
}
