//! `chatctl verify`: each fault is found, what can be mended is mended, and what is only under way is no fault.

use std::{collections::BTreeMap, time::Duration};

use domain::Timestamp;
use events::{Identity, Item};
use serde_json::Value;
use store::dead_letters::{self, DeadLetter, Reason, Resolution};
use testkit::{Builder, System};

use crate::{
    process::{fails, succeeds},
    world::{self, Index, id_of, sql},
};

const SOON: Duration = Duration::from_secs(20);

/// The hourly job would put right what a test has put wrong.
fn builder() -> Builder {
    System::builder().set("CHAT__CONSUMER__COUNT_INTERVAL_MS", 86_400_000)
}

/// What there is of each kind, without those of which there is nothing.
fn counts(kinds: &Value) -> BTreeMap<String, u64> {
    let kinds = kinds.as_object().unwrap().iter();
    let kinds = kinds.map(|(kind, found)| (kind.clone(), found["count"].as_u64().or(found.as_u64()).unwrap()));
    kinds.filter(|(_, count)| *count > 0).collect()
}

fn expected(kinds: &[(&str, u64)]) -> BTreeMap<String, u64> {
    kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
}

async fn keep(system: &System, reason: Reason, item: Item) {
    let (identity, payload) = (Identity::from(&item), serde_json::to_vec(&item).unwrap());
    let letter = DeadLetter { reason, detail: "kept by a test".to_owned(), identity, payload, created_at: Timestamp::now() };
    dead_letters::add(&mut system.store().acquire().await.unwrap(), &[letter]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_is_found_and_mended() {
    let system = builder().start().await;
    let application = system.create_application("faulty").await;
    let chat = application.create_chat().await;
    for number in 1..=9 {
        chat.post(&format!("text {number}")).await;
    }
    chat.await_found("text", &(1..=9).collect::<Vec<_>>(), SOON).await;
    let other = system.create_application("other").await;
    let (id, index) = (id_of(&system, &application).await, Index::of(&system));
    let said = succeeds(&system, &["verify", "--json"]).await.json();
    assert_eq!((&said["ok"], counts(&said["found"])), (&Value::from(true), expected(&[])), "{said}");
    assert_eq!(counts(&said["checked"]), expected(&[("applications", 2), ("chats", 1), ("messages", 9), ("documents", 9)]));

    let (room, id) = (format!("{}-1", id.get()), id.get());
    index.delete(&format!("{room}-2"), &room).await;
    sql(&system, "UPDATE messages SET version = 2, body = 'text three' WHERE number = 3").await;
    // A document of nothing, and one where no search looks for it.
    index.put(&format!("{room}-99"), &room, 1).await;
    index.put(&format!("{room}-98"), "elsewhere", 1).await;
    // One number is missing without a word, and leaves its document behind; another is an old letter's.
    sql(&system, "DELETE FROM messages WHERE number IN (6, 8)").await;
    keep(&system, Reason::Rejected, Item::Message(world::message(domain::ApplicationId::new(id), 8, "let go"))).await;
    let mut connection = system.store().acquire().await.unwrap();
    dead_letters::resolve(&mut connection, 1, Resolution::Discarded, Timestamp::now()).await.unwrap();
    sql(&system, "UPDATE applications SET chats_count = 5").await;
    sql(
        &system,
        &format!("INSERT INTO dirty_applications VALUES ({id}, 1, '2020-01-01') ON DUPLICATE KEY UPDATE since = '2020-01-01'"),
    )
    .await;
    sql(&system, "UPDATE dirty_chats SET since = '2020-01-01'").await;

    let said = fails(&system, &["verify", "--json"]).await.json();
    // Two counts of applications, and the chat's, of which two rows are gone.
    let faults = expected(&[("missing", 1), ("stale", 1), ("extra", 4), ("counts", 3), ("marks", 2), ("gaps", 1)]);
    assert_eq!((&said["ok"], counts(&said["found"])), (&Value::from(false), faults.clone()), "{said}");
    assert_eq!(said["found"]["missing"]["examples"][0], format!("{id}/1/2"));
    assert_eq!(said["found"]["gaps"]["examples"][0], format!("{id}/1/6"));
    let text = fails(&system, &["verify"]).await.text();
    assert!(text.contains("missing in the index") && text.contains(&format!("\n  {id}/1/2\n")), "{text}");
    let only = fails(&system, &["verify", "--json", "--application", &other.token]).await.json();
    assert_eq!(counts(&only["found"]), expected(&[("counts", 1)]), "{only}");

    sql(&system, &format!("UPDATE applications SET chats_count = 0 WHERE id <> {id}")).await;
    let said = succeeds(&system, &["verify", "--repair", "--json"]).await.json();
    let mended = expected(&[("missing", 1), ("stale", 1), ("extra", 4), ("counts", 2), ("marks", 2)]);
    assert_eq!((counts(&said["mended"]), counts(&said["left"])), (mended, expected(&[("gaps", 1)])), "{said}");
    chat.await_found("text three", &[3], SOON).await;
    chat.await_found("text", &[1, 2, 3, 4, 5, 7, 9], SOON).await;
    assert_eq!(chat.read().await.expect(200)["messages_count"], 7);
    let text = succeeds(&system, &["verify"]).await.text();
    let gaps = text.lines().find(|line| line.starts_with("numbers that nothing has"));
    assert!(gaps.is_some_and(|line| line.ends_with(" 1")), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_people_can_mend_stays_wrong() {
    let system = builder().start().await;
    let application = system.create_application("torn").await;
    let chat = application.create_chat().await;
    chat.post("one").await;
    chat.await_found("one", &[1], SOON).await;
    let (id, index) = (id_of(&system, &application).await, Index::of(&system));
    index.put(&format!("{}-1-1", id.get()), &format!("{}-1", id.get()), 9).await;
    let columns = "INSERT INTO messages (application_id, chat_number, number, body, event_id, created_at, updated_at)";
    sql(&system, &format!("{columns} VALUES ({}, 7, 1, 'lost', UNHEX(REPEAT('ab', 16)), NOW(3), NOW(3))", id.get())).await;
    sql(&system, "INSERT INTO chats (application_id, number, event_id, created_at, updated_at) VALUES (777, 3, UNHEX(REPEAT('cd', 16)), NOW(3), NOW(3))").await;
    keep(&system, Reason::Conflict, Item::Message(world::message(id, 1, "rival"))).await;
    keep(&system, Reason::ChatMissing, Item::Message(world::message(id, 2, "other"))).await;
    let said = fails(&system, &["verify", "--repair", "--json"]).await.json();
    let left = [("ahead", 1), ("orphaned_messages", 1), ("orphaned_chats", 1), ("conflicts", 1), ("letters", 1), ("gaps", 2)];
    assert_eq!(counts(&said["left"]), expected(&left), "{said}");
    assert_eq!(said["left"]["gaps"]["examples"][0], "777/1-2");
    let said = fails(&system, &["verify", "--application", "nonsense"]).await;
    assert!(said.err.contains("32 digits"), "{}", said.err);
    let said = fails(&system, &["verify", "--application", &"0".repeat(32)]).await;
    assert!(said.err.contains("no application"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_is_no_finding() {
    let system = builder().start().await;
    let application = system.create_application("busy").await;
    let chat = application.create_chat().await;
    chat.post("one").await;
    chat.await_stored(1).await;
    let id = id_of(&system, &application).await;
    // The relay comes to it long after a first and a second look at the index.
    let due = Timestamp::from(Timestamp::now().to_datetime() + Duration::from_secs(8));
    world::store(&system, &[world::message(id, 2, "later")], Some(due)).await;
    let said = succeeds(&system, &["verify", "--json"]).await.json();
    assert_eq!(counts(&said["found"]), expected(&[]), "{said}");
    assert!(Timestamp::now() > due);

    // While others write, everything that is looked at is under way.
    let busy = application.create_chat().await;
    let writing = tokio::spawn(async move {
        for number in 1..=150 {
            busy.post(&format!("busy {number}")).await;
            busy.edit(1, &format!("edited {number}")).await;
        }
    });
    while !writing.is_finished() {
        let said = succeeds(&system, &["verify", "--json", "--rate", "1000"]).await.json();
        assert_eq!(counts(&said["found"]), expected(&[]), "{said}");
    }
    writing.await.unwrap();
}
