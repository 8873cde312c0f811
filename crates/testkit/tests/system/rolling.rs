//! Rolling deploys: every replica of every service is restarted again and again under load, and no request fails.

use std::{collections::BTreeSet, time::Duration};

use testkit::{Application, Balancer, Chat, Load, Service, System};
use tokio_util::sync::CancellationToken;

const RESTARTS: usize = 20;
/// Far longer than the balancer needs to see that a replica is not ready, also on a busy machine.
const DRAIN_MS: u64 = 1_000;
const MOMENT: Duration = Duration::from_secs(10);
const ANSWERED_WITHIN: Duration = Duration::from_millis(3_500);
/// Readers and editors come again after this.
const PAUSE: Duration = Duration::from_millis(10);
/// Keeps the number of chats, which are all looked at in the end, to some hundreds.
const PAUSE_BETWEEN_CHATS: Duration = Duration::from_millis(100);
/// In a message that is never edited.
const STILL: &str = "a summer’s day";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_service_restarts_twenty_times_under_load_and_no_request_fails() {
    let builder = System::builder().set("CHAT__HTTP__DRAIN_MS", DRAIN_MS);
    let builder = builder.replicas(Service::Api, 2).replicas(Service::Ingest, 2).replicas(Service::Consumer, 2);
    let system = builder.start().await;
    let balancer = Balancer::start(&system);
    let application = balancer.client().create_application("rolling").await;
    let load = Load::start(&[application.create_chat().await, application.create_chat().await], 3);
    let quiet = application.create_chat().await;
    assert_eq!((quiet.post("edit 0").await, quiet.post(STILL).await), (1, 2));
    quiet.await_stored(2).await;
    quiet.await_found(STILL, &[2], MOMENT).await;

    let end = CancellationToken::new();
    let visitor = tokio::spawn(visit(quiet, end.clone()));
    let founder = tokio::spawn(found_chats(application.clone(), end.clone()));
    tokio::join!(restarts(&system, Service::Api), restarts(&system, Service::Ingest), restarts(&system, Service::Consumer));
    load.accepts(50, MOMENT).await;
    end.cancel();

    let (visits, founded) = (visitor.await.unwrap(), founder.await.unwrap());
    let report = load.finish().await;
    println!("{} messages, {visits} visits, {} chats", report.accepted(), founded.len());
    report.assert_answered_within(ANSWERED_WITHIN);
    assert_eq!(report.refused(), 0);
    assert!(visits >= RESTARTS && founded.len() >= RESTARTS, "{visits} {}", founded.len());
    report.assert_stored().await;
    report.assert_found().await;
    report.assert_numbers_go_on().await;
    for number in founded {
        let chat = application.chat(number);
        chat.await_stored(1).await;
        assert_eq!(chat.messages().await, [(1, format!("the first of {number}"))]);
    }
    let conflicts = store::dead_letters::list(&mut system.store().acquire().await.unwrap(), 0, 10).await.unwrap();
    assert!(conflicts.is_empty(), "{conflicts:?}");
}

async fn restarts(system: &System, service: Service) {
    for _ in 0..RESTARTS {
        system.restart(service).await;
    }
}

/// Edits, reads, lists and searches. Whoever edits alone reads what was written last, on whichever replica.
async fn visit(chat: Chat, end: CancellationToken) -> usize {
    let mut visits = 0;
    while !end.is_cancelled() {
        visits += 1;
        let text = format!("edit {visits}");
        assert_eq!(chat.edit(1, &text).await.expect(200)["body"], text.as_str());
        assert_eq!(chat.message(1).await.expect(200)["body"], text.as_str());
        assert_eq!(chat.messages().await, [(1, text), (2, STILL.to_owned())]);
        assert_eq!(chat.search(STILL).await, [2]);
        chat.read().await.expect(200);
        tokio::time::sleep(PAUSE).await;
    }
    visits
}

/// Creates chats, a message in each, and reads what may not be stored yet: returns their numbers, each given once.
async fn found_chats(application: Application, end: CancellationToken) -> BTreeSet<u64> {
    let mut numbers = BTreeSet::new();
    while !end.is_cancelled() {
        let chat = application.create_chat().await;
        assert!(numbers.insert(chat.number), "chat {} was given twice", chat.number);
        assert_eq!(chat.post(&format!("the first of {}", chat.number)).await, 1);
        let read = chat.message(1).await;
        assert!(matches!(read.status, 200 | 202), "{} {}", read.status, read.text());
        application.read().await.expect(200);
        tokio::time::sleep(PAUSE_BETWEEN_CHATS).await;
    }
    numbers
}
