//! `chatctl restored`: MySQL goes back to an older state while the others have gone on, and nothing comes to stand for something
//! else.

use std::time::{Duration, Instant};

use broker::{PublishError, Publisher};
use events::{Epoch, Item, MessageCreated};
use sequencer::{Adoption, Record, Sequencer};
use testkit::{Chat, Server, Service, System, eventually};
use tokio_util::sync::CancellationToken;

use crate::{
    process::{fails, succeeds},
    world::{id_of, message, sql},
};

const SOON: Duration = Duration::from_secs(20);
/// For a text that is found by who searches for all of them.
const COMMON: &str = "speech";

fn database(system: &System) -> String {
    let url = system.config::<consumer::Config>().mysql.url;
    url.rsplit_once('/').unwrap().1.to_owned()
}

async fn dump(system: &System) -> Vec<u8> {
    system
        .stack()
        .mysql_client("mysqldump", &["--single-transaction", "--set-gtid-purged=OFF", &database(system)], Vec::new())
        .await
        .unwrap()
}

/// As the manual says: everything stops, the database is made anew from the dump.
async fn put_back(system: &System, dump: &[u8]) {
    for service in [Service::Ingest, Service::Api] {
        system.stop(service).await;
    }
    let name = database(system);
    let mut statements = format!("DROP DATABASE `{name}`; CREATE DATABASE `{name}`; USE `{name}`;\n").into_bytes();
    statements.extend_from_slice(dump);
    system.stack().mysql_client("mysql", &[], statements).await.unwrap();
}

async fn start_again(system: &System) {
    for service in [Service::Consumer, Service::Ingest, Service::Api] {
        system.launch(service).await;
    }
    system.ready().await;
}

async fn post(chat: &Chat, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        assert_eq!(chat.post(&format!("speech {number}")).await, number);
    }
}

/// Until it is accepted: Redis was emptied, and that must be found out.
async fn post_in_a_new_epoch(chat: &Chat, number: u64) {
    let ask = || chat.attempt_post(&format!("speech {number}")).send();
    let accepted = async || {
        let answer = ask().await;
        answer.status == 201 && answer.json()["number"] == number
    };
    eventually("a new epoch is open, and its number follows", SOON, accepted).await;
}

async fn highest_epoch(system: &System) -> Epoch {
    store::epochs::highest(&mut system.store().acquire().await.unwrap()).await.unwrap().unwrap()
}

/// What becomes of what somebody publishes who still takes this epoch for the present one.
async fn publish_in(system: &System, epoch: Epoch, message: MessageCreated) -> Result<(), PublishError> {
    let settings = system.config::<consumer::Config>().amqp;
    let publisher = Publisher::start(&settings, CancellationToken::new());
    publisher.connected(SOON).await.unwrap();
    let partition = settings.partitions.partition_of(message.application_id, message.chat);
    let outcome = publisher.publish(epoch, partition, Item::Message(message), Instant::now() + SOON).await;
    publisher.drain().await;
    outcome
}

/// Has Redis name another epoch as the present one.
async fn record(system: &System, epoch: Epoch) {
    let sequencer = Sequencer::connect(&system.config::<consumer::Config>().redis).unwrap();
    let Adoption::Adopted(adopted) = sequencer.adopt().await.unwrap() else { panic!("there is no epoch") };
    let run_id = adopted.record().run_id.clone();
    assert!(sequencer.write_record(&Record { epoch, run_id }).await.unwrap());
}

async fn holds(chat: &Chat, numbers: &[u64]) {
    let expected: Vec<_> = numbers.iter().map(|number| (*number, format!("speech {number}"))).collect();
    eventually("the chat holds what is left and what was queued", SOON, async || chat.messages().await == expected).await;
}

/// The index is made anew, and all agrees.
async fn reindex_and_verify(system: &System, chat: &Chat, numbers: &[u64]) {
    assert!(fails(system, &["verify"]).await.text().contains("not stored"));
    succeeds(system, &["reindex"]).await;
    chat.await_found(COMMON, numbers, SOON).await;
    let said = succeeds(system, &["verify", "--json"]).await.json();
    assert_eq!(said["checked"]["messages"], said["checked"]["documents"], "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_database_has_forgotten_is_not_given_again() {
    let system = System::builder().own(Server::Mysql).start().await;
    let application = system.create_application("put back").await;
    let chat = application.create_chat().await;
    post(&chat, 1..=5).await;
    chat.await_stored(5).await;
    let dump = dump(&system).await;

    post(&chat, 6..=10).await;
    let lost_chat = application.create_chat().await;
    let lost_application = system.create_application("lost").await;
    let its_chat = lost_application.create_chat().await;
    for chat in [&lost_chat, &its_chat] {
        post(chat, 1..=1).await;
        chat.await_found(COMMON, &[1], SOON).await;
    }
    chat.await_found(COMMON, &(1..=10).collect::<Vec<_>>(), SOON).await;
    let lost_id = id_of(&system, &lost_application).await;
    system.stop(Service::Consumer).await;
    post(&chat, 11..=15).await;

    put_back(&system, &dump).await;
    let said = succeeds(&system, &["restored"]).await.text();
    assert!(said.contains("goes on; the counters of 3 chats and applications"), "{said}");
    start_again(&system).await;

    // The queue's messages are stored, those of the dump too, and the next number is above all that were ever given.
    post(&chat, 16..=16).await;
    let left = [1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 16];
    holds(&chat, &left).await;
    assert_eq!(application.create_chat().await.number, lost_chat.number + 1);
    lost_chat.attempt_post("to nobody").send().await.problem(404, "chat_not_found");
    its_chat.attempt_post("to nobody").send().await.problem(404, "application_not_found");
    lost_application.attempt_chat().send().await.problem(404, "application_not_found");
    let next = system.create_application("the next").await;
    assert!(id_of(&system, &next).await > lost_id);
    assert_eq!(next.create_chat().await.number, 1);
    reindex_and_verify(&system, &chat, &left).await;

    // Again is harmless.
    assert!(succeeds(&system, &["restored"]).await.text().contains("the counters of 0 chats"));
    post(&chat, 17..=17).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_follow_the_queue_when_redis_has_lost_everything_too() {
    let system = System::builder().own(Server::Mysql).own(Server::Redis).start().await;
    let application = system.create_application("put back").await;
    let (chat, id) = (application.create_chat().await, id_of(&system, &application).await);
    post(&chat, 1..=3).await;
    chat.await_stored(3).await;
    let dump = dump(&system).await;
    // Epochs of which the dump does not know.
    for number in 4..=5 {
        system.redis::<()>(&["FLUSHALL"]).await;
        post_in_a_new_epoch(&chat, number).await;
    }
    chat.await_found(COMMON, &[1, 2, 3, 4, 5], SOON).await;
    system.stop(Service::Consumer).await;
    post(&chat, 6..=8).await;

    let forgotten = highest_epoch(&system).await;
    put_back(&system, &dump).await;
    system.redis::<()>(&["FLUSHALL"]).await;
    let said = succeeds(&system, &["restored"]).await.text();
    assert!(said.contains("ingest will open one above"), "{said}");
    let late = publish_in(&system, forgotten, message(id, 9, "from a stopped ingest")).await;
    assert!(matches!(late, Err(PublishError::Returned)), "{late:?}");
    start_again(&system).await;

    post_in_a_new_epoch(&chat, 9).await;
    let left = [1, 2, 3, 6, 7, 8, 9];
    holds(&chat, &left).await;
    reindex_and_verify(&system, &chat, &left).await;
    // An epoch that Redis still vouches for, but that MySQL has forgotten.
    let opened = highest_epoch(&system).await;
    sql(&system, &format!("DELETE FROM epochs WHERE number = {}", opened.get())).await;
    let said = succeeds(&system, &["restored"]).await.text();
    assert!(said.contains(&format!("epoch {opened}: goes on")), "{said}");
    assert_eq!(highest_epoch(&system).await, opened);
    // While counters are there but are not to be trusted, of an epoch that is ahead of the clock.
    system.stop(Service::Ingest).await;
    let ahead = Epoch::new(opened.get() + 1_000_000);
    record(&system, ahead).await;
    let said = succeeds(&system, &["restored", "--new-epoch"]).await.text();
    assert!(said.contains(&format!("ingest will open one above {ahead}")), "{said}");
    // Who only reads opens it as well: it has been begun for no other Redis.
    eventually("what was never given is told", SOON, async || chat.message(99).await.status == 404).await;
    assert!(highest_epoch(&system).await > ahead);
    system.launch(Service::Ingest).await;
    system.ready().await;
    post_in_a_new_epoch(&chat, 10).await;
    assert!(highest_epoch(&system).await > ahead);
}
