//! Services that stop, or end without a word, under load: nothing acknowledged is lost, and no client keeps one from stopping.

use std::{net::SocketAddr, time::Duration};

use testkit::{Chat, Load, Service, System};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};

const MOMENT: Duration = Duration::from_secs(10);
/// What `http.drain_ms` is by default: the other tests have none.
const DRAIN_MS: u64 = 5_000;

async fn two_chats(system: &System) -> Vec<Chat> {
    let application = system.create_application("under load").await;
    vec![application.create_chat().await, application.create_chat().await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ingest_stops_under_load_and_another_goes_on() {
    let system = System::builder().replicas(Service::Ingest, 2).start().await;
    let load = Load::start(&two_chats(&system).await, 8);
    load.accepts(100, MOMENT).await;
    system.stop(Service::Ingest).await;
    load.accepts(50, MOMENT).await;
    system.launch(Service::Ingest).await;
    load.accepts(50, MOMENT).await;
    system.crash(Service::Ingest);
    load.accepts(50, MOMENT).await;
    let report = load.finish().await;
    report.assert_answers_in_form();
    report.assert_stored().await;
    report.assert_found().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_consumer_stops_under_load_and_the_next_one_stores_the_rest() {
    // Small batches, so that many are in the middle of their way.
    let system = System::builder().set("MESSAGE_QUEUE_THRESHOLD", 20).start().await;
    let load = Load::start(&two_chats(&system).await, 8);
    load.accepts(100, MOMENT).await;
    system.stop(Service::Consumer).await;
    load.accepts(100, MOMENT).await;
    system.launch(Service::Consumer).await;
    load.accepts(100, MOMENT).await;
    system.crash(Service::Consumer);
    load.accepts(100, MOMENT).await;
    system.launch(Service::Consumer).await;
    let report = load.finish().await;
    report.assert_answered_within(Duration::from_millis(3_500));
    assert_eq!(report.refused(), 0);
    report.assert_stored().await;
    report.assert_found().await;
    report.assert_numbers_go_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_from_a_consumer_that_stopped_or_died() {
    let system = System::builder().replicas(Service::Consumer, 3).start().await;
    let chats = two_chats(&system).await;
    let load = Load::start(&chats, 4);
    load.accepts(50, MOMENT).await;
    system.crash(Service::Consumer);
    load.accepts(50, MOMENT).await;
    system.stop(Service::Consumer).await;
    load.accepts(50, MOMENT).await;
    let report = load.finish().await;
    assert_eq!(report.refused(), 0);
    report.assert_stored().await;
    report.assert_found().await;
    report.assert_numbers_go_on().await;
}

/// Asks for more than all buffers between the two hold, and reads nothing of it.
async fn reads_nothing(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all("GET /api-docs/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(400).as_bytes()).await.unwrap();
    stream.readable().await.unwrap();
    stream
}

/// Sends a body byte by byte, and another when that is refused, for as long as the service listens.
async fn sends_slowly(address: SocketAddr, path: String) {
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n");
    while let Ok(mut stream) = TcpStream::connect(address).await {
        let mut next = head.as_bytes();
        while stream.write_all(next).await.is_ok() {
            next = b" ";
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// In the time that is promised, which a replica that is stopped is held to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_do_not_keep_a_service_from_stopping_in_time() {
    let system = System::builder().set("CHAT__HTTP__DRAIN_MS", DRAIN_MS).start().await;
    let chats = format!("{}/chats", system.create_application("slow").await.path());
    let mut unread = Vec::new();
    for (service, path) in [(Service::Ingest, chats.as_str()), (Service::Api, "/applications")] {
        let address = system.address(service);
        unread.push(reads_nothing(address).await);
        tokio::spawn(sends_slowly(address, path.to_owned()));
    }
    // All that lies between fills up; nobody can see that from here.
    sleep(Duration::from_secs(1)).await;
    let took = tokio::join!(system.stop(Service::Ingest), system.stop(Service::Api), system.stop(Service::Consumer));
    assert!(took.0 >= Duration::from_millis(DRAIN_MS) && took.1 >= Duration::from_millis(DRAIN_MS), "{took:?}");
    drop(unread);
}
