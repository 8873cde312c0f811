//! The routes for operators.

use std::time::{Duration, Instant};

use serde_json::Value;
use service::health::{Check, routes};

use crate::support::{Server, telemetry};

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
async fn metrics_are_shown_in_prometheus_form() {
    let server = Server::start(routes(Vec::new(), telemetry())).await;
    get(&server, "/healthz").await;
    let answer = server.get("/metrics", &[]).await;
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    assert!(text.contains(r#"http_request_duration_seconds_bucket{method="GET",route="/healthz",status="200",le="+Inf"}"#));
}
