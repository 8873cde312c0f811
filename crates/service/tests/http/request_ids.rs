//! Request ids: taken from the client or made, and the same in answer, problem and handler.

use actix_web::web::ServiceConfig;
use service::http::{RequestId, endpoint};

use crate::support::Server;

fn routes(config: &mut ServiceConfig) {
    config.service(endpoint("/id").get(async |id: RequestId| id.to_string()));
}

#[actix_web::test]
async fn a_usable_id_is_kept_and_reaches_the_handler() {
    let server = Server::start(routes).await;
    let answer = server.get("/id", &[("x-request-id", "client-1")]).await;
    assert_eq!(answer.headers()["x-request-id"], "client-1");
    assert_eq!(answer.text().await.unwrap(), "client-1");
}

#[actix_web::test]
async fn an_unusable_id_is_replaced() {
    let server = Server::start(routes).await;
    let long = "x".repeat(129);
    for refused in ["", "a b", "é", &long, "a\r\nX-Request-Id: b"] {
        let answer =
            server.raw(format!("GET /id HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: {refused}\r\n\r\n")).await;
        assert_eq!(answer.status, 200, "{refused}");
        assert!(uuid::Uuid::parse_str(&answer.body).is_ok(), "{refused}: {answer:?}");
        assert_eq!(answer.header("x-request-id"), Some(answer.body.as_str()));
    }
}

#[actix_web::test]
async fn every_request_gets_an_id_of_its_own() {
    let server = Server::start(routes).await;
    let mut ids = std::collections::HashSet::new();
    for _ in 0..50 {
        let answer = server.get("/id", &[]).await;
        assert!(ids.insert(answer.text().await.unwrap()));
    }
}

#[actix_web::test]
async fn a_problem_names_the_request() {
    let server = Server::start(routes).await;
    let answer = server.raw("GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: r-7\r\n\r\n").await;
    assert_eq!(answer.problem(404, "route_not_found")["request_id"], "r-7");
}
