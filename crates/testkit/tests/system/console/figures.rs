//! What the console shows of a running system, how it streams it, and what it does when a part is away.

use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Server, Service, System, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{request, snapshot, snapshot_with};

/// Who may watch at a time.
const SEATS: usize = 32;

fn services(snapshot: &Value) -> Vec<&str> {
    snapshot["replicas"].as_array().unwrap().iter().map(|replica| replica["service"].as_str().unwrap()).collect()
}

fn stage<'a>(snapshot: &'a Value, key: &str) -> &'a Value {
    snapshot["stages"].as_array().unwrap().iter().find(|stage| stage["key"] == key).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_shows_every_part_of_the_pipeline() {
    let system = System::builder().replicas(Service::Ingest, 2).start().await;
    let application = system.create_application("console").await;
    // Of so many chats some lie in each partition.
    let mut chats = Vec::new();
    for _ in 0..12 {
        chats.push(application.create_chat().await);
    }
    // Rates are differences between reports, so something has to happen between two of them: a viewer who stays has them
    // compared.
    let mut stream = request(&system, "GET", "/events").send().await.unwrap();
    let mut number = 0;
    let seen = async || {
        for chat in &chats {
            chat.post(&format!("message {number}")).await;
            number += 1;
        }
        stream.chunk().await.unwrap().expect("the stream goes on");
        let shown = snapshot(&system).await;
        let measured = |key: &str| stage(&shown, key)["per_s"].as_f64().is_some_and(|rate| rate > 0.0);
        let queues = shown["queues"].as_array().unwrap();
        services(&shown) == ["api", "consumer", "ingest", "ingest"]
            && ["accept", "publish", "store", "index", "findable", "read"].into_iter().all(measured)
            && queues.iter().all(|queue| queue["holder"].is_string())
    };
    eventually("the console shows the pipeline at work", super::SHOWN_WITHIN, seen).await;

    let settled = |shown: &Value| shown["outbox"]["rows"] == 0 && shown["queues"][0]["messages"] == 0;
    let shown = snapshot_with(&system, "all is stored and indexed", settled).await;
    assert_eq!(shown["missing"], serde_json::json!([]));
    let queues = shown["queues"].as_array().unwrap();
    assert_eq!(queues.iter().map(|queue| queue["partition"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1]);
    let consumer = shown["replicas"].as_array().unwrap().iter().find(|replica| replica["service"] == "consumer").unwrap();
    for queue in queues {
        assert_eq!((&queue["is_consumed"], &queue["holder"]), (&true.into(), &consumer["place"]), "{queue}");
        assert!(queue["epoch"].as_u64() >= Some(1) && queue["taken_ago"].as_f64() >= Some(0.0), "{queue}");
    }
    let port = system.address(Service::Consumer).port();
    assert!(consumer["place"].as_str().unwrap().ends_with(&format!(":{port}")), "{consumer}");
    assert!(shown["replicas"].as_array().unwrap().iter().all(|replica| replica["version"] == env!("CARGO_PKG_VERSION")));
    assert_eq!((&shown["epochs"][0]["is_closed"], &shown["outbox"]["oldest"]), (&false.into(), &Value::Null));
    assert!(shown["letters"]["unresolved"].as_array().unwrap().iter().all(|reason| reason[1] == 0));
    for key in ["publish", "store"] {
        let stage = stage(&shown, key);
        assert!(stage["together"].as_f64() >= Some(1.0) && stage["p99"].as_f64() >= stage["p50"].as_f64(), "{stage}");
    }

    // One that stops says goodbye, and is not waited for.
    system.stop(Service::Ingest).await;
    snapshot_with(&system, "a replica that stopped is gone", |shown| services(shown) == ["api", "consumer", "ingest"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_come_once_a_second_and_end_with_the_service() {
    let system = System::start().await;
    let mut stream = request(&system, "GET", "/events").send().await.unwrap();
    assert_eq!(super::header(&stream, "content-type"), Some("text/event-stream"));
    assert!(super::header(&stream, "cache-control").unwrap().contains("no-store"));
    let mut text = String::new();
    while text.matches("event: snapshot\n").count() < 3 {
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(text.starts_with("retry: "), "{text}");
    let data: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    assert!(data.len() >= 2 && data.iter().all(|snapshot| snapshot["at"].is_string()), "{text}");
    assert!(data[0]["at"].as_str() < data[1]["at"].as_str());

    let stopped = system.stop(Service::Api).await;
    assert!(stopped < Duration::from_secs(5), "an open stream kept the service for {stopped:?}");
    while stream.chunk().await.unwrap().is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_may_watch_and_a_seat_is_free_when_one_leaves() {
    let system = System::start().await;
    let mut streams = Vec::new();
    for _ in 0..SEATS {
        let stream = request(&system, "GET", "/events").send().await.unwrap();
        assert_eq!(stream.status().as_u16(), 200);
        streams.push(stream);
    }
    system.api("GET", "/console/events").send().await.problem(503, "overloaded");
    system.api("GET", "/console/snapshot").send().await.problem(503, "overloaded");
    drop(streams);
    let free = async || system.api("GET", "/console/snapshot").send().await.status == 200;
    eventually("there is room again", super::SHOWN_WITHIN, free).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_the_head_alone_takes_no_seat_and_goes_on_with_the_connection() {
    let system = System::start().await;
    let mut connection = TcpStream::connect(system.address(Service::Api)).await.unwrap();
    for _ in 0..=SEATS {
        for (asked, content_type) in [("HEAD /console/events", "text/event-stream"), ("HEAD /healthz", "application/json")] {
            connection.write_all(format!("{asked} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let byte = timeout(Duration::from_secs(5), connection.read_u8()).await;
                head.push(byte.unwrap_or_else(|_| panic!("{asked} is not answered")).unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_lowercase();
            assert!(
                head.starts_with("http/1.1 200 ") && head.contains(&format!("content-type: {content_type}")),
                "{asked}: {head}"
            );
        }
    }
    snapshot(&system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_answer_is_named_and_hides_nothing_else() {
    let system = System::builder().own(Server::Redis).start().await;
    snapshot_with(&system, "all three services", |shown| services(shown).len() == 3).await;
    system.stack().kill(Server::Redis).await.unwrap();
    let began = Instant::now();
    let without = |shown: &Value| shown["missing"][0]["part"] == "redis";
    let shown = snapshot_with(&system, "Redis is missed", without).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!((shown["replicas"].as_array().unwrap().len(), shown["queues"].as_array().unwrap().len()), (0, 2));
    assert!(shown["epochs"][0]["number"].as_u64() >= Some(1), "{shown}");
    let code = super::csrf_token(&system).await;
    let asked = system.api("POST", "/console/counts/run").header("x-csrf-token", &code).send().await;
    asked.problem(503, "dependency_unavailable");
    system.stack().start(Server::Redis).await.unwrap();
    snapshot_with(&system, "all three again", |shown| services(shown).len() == 3).await;
}
