//! The counts of chats and messages: exact after the job has run, and nothing else is touched by it.

use consumer::counts::{self, Counted};
use testkit::System;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_exact_after_the_job_and_nothing_else_changes() {
    // The cache may show a count for two seconds more.
    let system = System::builder().set("CHAT__CACHE__ENABLED", false).start().await;
    let (full, empty) = (system.create_application("full").await, system.create_application("empty").await);
    for _ in 0..7 {
        full.create_chat().await;
    }
    let (chat, silent) = (full.chat(1), full.chat(7));
    for number in 1..=12 {
        chat.post(&format!("text {number}")).await;
    }
    chat.await_stored(12).await;
    silent.read().await.expect(200);
    let renamed = system.api("PATCH", &full.path()).json(serde_json::json!({ "name": "renamed" })).send().await.expect(200);
    let before = chat.read().await.expect(200);

    counts::run(system.store()).await.unwrap();
    let (application, after) = (full.read().await.expect(200), chat.read().await.expect(200));
    assert_eq!((&application["chats_count"], &after["messages_count"]), (&7.into(), &12.into()));
    assert_eq!(silent.read().await.expect(200)["messages_count"], 0);
    assert_eq!(empty.read().await.expect(200)["chats_count"], 0);
    assert_eq!((&application["updated_at"], &application["name"]), (&renamed["updated_at"], &renamed["name"]));
    assert_eq!((&after["updated_at"], &after["created_at"]), (&before["updated_at"], &before["created_at"]));

    // Edits count nothing, new rows do, and a job that runs again adds nothing.
    chat.edit(1, "edited").await.expect(200);
    silent.post("not silent any more").await;
    silent.await_stored(1).await;
    counts::run(system.store()).await.unwrap();
    assert_eq!(counts::run(system.store()).await.unwrap(), Counted::Marks(0));
    assert_eq!(chat.read().await.expect(200)["messages_count"], 12);
    assert_eq!(silent.read().await.expect(200)["messages_count"], 1);
    assert_eq!(full.read().await.expect(200)["chats_count"], 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_consumer_counts_by_itself_in_its_interval() {
    let system = System::builder().set("CHAT__CONSUMER__COUNT_INTERVAL_MS", 200).start().await;
    let application = system.create_application("self-counting").await;
    application.create_chat().await.post("x").await;
    let counted = async || {
        let (application, chat) = (application.read().await.json(), application.chat(1).read().await.json());
        application["chats_count"] == 1 && chat["messages_count"] == 1
    };
    testkit::eventually("the counts are up to date", std::time::Duration::from_secs(10), counted).await;
}
