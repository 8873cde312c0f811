//! The routes for operators.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_web::web::ServiceConfig;
use futures_util::future::join_all;
use serde_json::Value;
use service::health::{Check, routes};
use service::http::endpoint;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::support::{DEADLINE, Server, telemetry};

fn up(name: &'static str) -> Check {
    Check::new(name, &(), async |()| Ok::<_, String>(()))
}

async fn get(server: &Server, path: &str) -> (u16, String) {
    let answer = server.get(path, &[]).await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[actix_web::test]
async fn a_service_with_all_it_needs_is_ready() {
    let server = Server::start(routes(vec![up("mysql"), up("redis")], telemetry())).await;
    assert_eq!(get(&server, "/healthz").await, (200, r#"{"status":"ok"}"#.to_owned()));
    let (status, body) = get(&server, "/readyz").await;
    let report: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &report["status"]), (200, &Value::from("ok")));
    assert_eq!(report["dependencies"]["mysql"]["state"], "up");
    assert!(report["dependencies"]["redis"]["latency_ms"].is_u64(), "{report}");
}

#[actix_web::test]
async fn a_missing_or_silent_dependency_is_named_and_the_process_still_lives() {
    let down = Check::new("redis", &(), async |()| Err("connection refused"));
    let silent = |name| Check::new(name, &(), |()| std::future::pending::<Result<(), String>>());
    let server = Server::start(routes(vec![up("mysql"), down, silent("amqp"), silent("search")], telemetry())).await;
    let started = Instant::now();
    let (status, body) = get(&server, "/readyz").await;
    assert!(started.elapsed() < Duration::from_millis(1900), "the checks do not run side by side: {:?}", started.elapsed());
    let report: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &report["status"]), (503, &Value::from("unavailable")));
    let dependency = |name: &str| {
        let found = &report["dependencies"][name];
        (found["state"].as_str().unwrap().to_owned(), found["detail"].as_str().map(str::to_owned))
    };
    assert_eq!(dependency("mysql"), ("up".to_owned(), None));
    assert_eq!(dependency("redis"), ("down".to_owned(), Some("connection refused".to_owned())));
    assert_eq!(dependency("amqp"), ("down".to_owned(), Some("no answer in time".to_owned())));
    assert_eq!(get(&server, "/healthz").await.0, 200);
}

#[actix_web::test]
async fn every_scrape_tells_what_each_dependency_is_now() {
    // Names of this test alone: the metrics are the process's.
    let is_up = Arc::new(AtomicBool::new(false));
    let turning = Check::new(
        "turning",
        &is_up,
        async |is_up: Arc<AtomicBool>| {
            if is_up.load(Ordering::Relaxed) { Ok(()) } else { Err("not yet") }
        },
    );
    let silent = Check::new("silent", &(), |()| std::future::pending::<Result<(), String>>());
    let server = Server::start(routes(vec![turning, up("steady"), silent.optional()], telemetry())).await;
    for (turned, shown) in [(false, "0"), (true, "1"), (false, "0")] {
        is_up.store(turned, Ordering::Relaxed);
        let (status, text) = get(&server, "/metrics").await;
        assert_eq!(status, 200);
        for (dependency, shown) in [("turning", shown), ("steady", "1"), ("silent", "0")] {
            let line = format!("\nchat_dependency_up{{dependency=\"{dependency}\"}} {shown}\n");
            assert!(text.contains(&line), "{line} in {text}");
        }
        assert!(text.contains("\nchat_ready "), "{text}");
    }
}

#[actix_web::test]
async fn who_asks_at_the_same_time_is_told_the_same() {
    const ASKED: usize = 200;
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Check::new("counted", &looks, async |looks: Arc<AtomicUsize>| {
        looks.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok::<_, String>(())
    });
    let server = Server::start(routes(vec![counted], telemetry())).await;
    let began = Instant::now();
    let asked = (0..ASKED).map(|asked| get(&server, if asked % 2 == 0 { "/readyz" } else { "/metrics" }));
    assert!(join_all(asked).await.iter().all(|(status, _)| *status == 200));
    // One look a quarter of a second, and one for each end.
    let most = began.elapsed().as_millis() as usize / 250 + 2;
    let looks = looks.load(Ordering::Relaxed);
    assert!((1..=most).contains(&looks), "{looks} looks for {ASKED} questions in {:?}", began.elapsed());
}

#[actix_web::test]
async fn metrics_name_the_build_and_tell_of_the_process() {
    let server = Server::start(routes(Vec::new(), telemetry())).await;
    let (_, text) = get(&server, "/metrics").await;
    let build = format!("\nchat_build_info{{service=\"test\",version=\"{}\"}} 1\n", env!("CARGO_PKG_VERSION"));
    for line in [build.as_str(), "\nprocess_resident_memory_bytes ", "\nprocess_start_time_seconds "] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[actix_web::test]
async fn a_request_whose_client_goes_away_is_counted() {
    let begun = Arc::new(Notify::new());
    let begins = begun.clone();
    let server = Server::start(move |config: &mut ServiceConfig| {
        let begins = begins.clone();
        let endless = move || {
            begins.notify_one();
            std::future::pending::<&'static str>()
        };
        config.service(endpoint("/endless").get(endless));
    })
    .await;
    let counted = || -> u64 {
        let text = telemetry().render();
        let count = text.lines().find_map(|line| line.strip_prefix("http_requests_abandoned_total "));
        // The server's workers are about to begin.
        count.map_or(0, |count| count.parse().unwrap())
    };
    let before = counted();
    let mut connection = server.connect().await;
    connection.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await;
    timeout(DEADLINE, begun.notified()).await.unwrap();
    connection.reset();
    let until = Instant::now() + DEADLINE;
    while counted() == before {
        assert!(Instant::now() < until, "it is not counted");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[actix_web::test]
async fn metrics_are_shown_in_prometheus_form() {
    let server = Server::start(routes(Vec::new(), telemetry())).await;
    get(&server, "/healthz").await;
    let answer = server.get("/metrics", &[]).await;
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    assert!(text.contains(r#"http_request_duration_seconds_bucket{method="GET",route="/healthz",status="200",le="+Inf"}"#));
}
