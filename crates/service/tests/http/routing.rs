//! Which answer a path and a method get, and in which form errors come.

use actix_web::web::{Path, Query, ServiceConfig, scope};
use actix_web::{HttpResponse, Responder};
use domain::{Field, Invalid, Rule};
use serde::Deserialize;
use service::http::{Body, endpoint};
use service::problem::{Code, Dependency, Problem};

use crate::support::{Server, telemetry};

#[derive(Deserialize)]
struct Paging {
    limit: u8,
}

fn routes(config: &mut ServiceConfig) {
    config
        .service(endpoint("/things").get(async || "things").post(async |body: Body| body.bytes().clone()))
        .service(endpoint("/things/{name}").get(async |name: Path<String>| name.into_inner()).update(async || "updated"))
        .service(endpoint("/numbers/{number}").get(async |number: Path<u32>| number.to_string()))
        .service(endpoint("/pages").get(async |query: Query<Paging>| query.limit.to_string()))
        .service(endpoint("/panic").get(panics))
        .service(endpoint("/own-error").get(async || HttpResponse::Conflict().body("own words")))
        .service(endpoint("/silent-error").get(async || HttpResponse::Gone().finish()))
        .service(endpoint("/foreign-error").get(foreign))
        .service(endpoint("/unavailable").get(async || Err::<&str, _>(Problem::dependency_unavailable(Dependency::Mysql))))
        .service(endpoint("/invalid").get(invalid))
        .service(scope("/api/v1").service(endpoint("/things").get(async || "things")));
}

async fn panics() -> HttpResponse {
    panic!("a secret")
}

async fn foreign() -> Result<&'static str, actix_web::Error> {
    Err(actix_web::error::ErrorInternalServerError("a secret"))
}

async fn invalid() -> Result<&'static str, Problem> {
    Err(Problem::invalid([Invalid::new(Field::Name, Rule::MaxChars(255)), Invalid::new(Field::Limit, Rule::Within(1, 100))]))
}

async fn get(server: &Server, path: &str) -> crate::support::Answer {
    server.raw(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
}

#[actix_web::test]
async fn unknown_paths_are_problems_whatever_bytes_they_hold() {
    let server = Server::start(routes).await;
    for path in ["/", "/nothing", "/%ff", "/%", "/%00", "//things", "/things/", "/api/v1", "/api/v1/nothing", "/numbers/x"] {
        get(&server, path).await.problem(404, "route_not_found");
    }
    assert_eq!(get(&server, "/things/%ff").await.status, 200);
    assert_eq!(get(&server, "/things/a%2Fb").await.status, 200);
}

#[actix_web::test]
async fn other_methods_are_refused_with_those_that_are_allowed() {
    let server = Server::start(routes).await;
    for (method, path, allow) in [
        ("DELETE", "/things", "GET, HEAD, POST, OPTIONS"),
        ("PUT", "/things", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/things/x", "GET, HEAD, PUT, PATCH, OPTIONS"),
        ("INVENTED", "/api/v1/things", "GET, HEAD, OPTIONS"),
    ] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        let answer = server.raw(request).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
}

#[actix_web::test]
async fn options_tells_the_methods_and_head_is_get_without_a_body() {
    let server = Server::start(routes).await;
    let answer = server.raw("OPTIONS /things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!((answer.status, answer.header("allow"), answer.body.as_str()), (204, Some("GET, HEAD, POST, OPTIONS"), ""));
    for (path, status, length) in [("/things", 200, Some("6")), ("/things/abc", 200, Some("3")), ("/panic", 500, None)] {
        let answer = server.raw(format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        assert_eq!((answer.status, answer.body.as_str()), (status, ""), "{path}");
        assert!(length.is_none() || answer.header("content-length") == length, "{answer:?}");
    }
}

#[actix_web::test]
async fn bugs_are_500_without_their_cause_and_the_server_goes_on() {
    let server = Server::start(routes).await;
    for path in ["/panic", "/foreign-error", "/panic"] {
        let answer = get(&server, path).await;
        answer.problem(500, "internal_error");
        assert!(!answer.body.contains("secret"), "{answer:?}");
    }
    assert_eq!(get(&server, "/things").await.body, "things");
}

#[actix_web::test]
async fn a_connection_outlives_a_panic() {
    let server = Server::start(routes).await;
    let mut connection = server.connect().await;
    for (path, status) in [("/panic", 500), ("/things", 200)] {
        connection.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert_eq!(connection.answer().await.status, status);
    }
}

#[actix_web::test]
async fn errors_keep_their_own_words_or_become_problems() {
    let server = Server::start(routes).await;
    assert_eq!(get(&server, "/own-error").await.body, "own words");
    assert_eq!(get(&server, "/own-error").await.header("x-content-type-options"), Some("nosniff"));
    get(&server, "/silent-error").await.problem(410, "malformed_request");
    get(&server, "/pages?limit=x").await.problem(400, "malformed_request");
    let unavailable = get(&server, "/unavailable").await;
    unavailable.problem(503, "dependency_unavailable");
    assert_eq!(unavailable.header("retry-after"), Some("1"));
}

#[actix_web::test]
async fn every_broken_rule_is_told_by_field() {
    let server = Server::start(routes).await;
    let problem = get(&server, "/invalid").await.problem(422, "invalid_field");
    let errors = serde_json::json!([
        {"field": "name", "code": "too_long", "detail": "must have at most 255 characters"},
        {"field": "limit", "code": "out_of_range", "detail": "must be a whole number from 1 to 100"},
    ]);
    assert_eq!(problem["errors"], errors);
    assert_eq!(problem["detail"], "name must have at most 255 characters; limit must be a whole number from 1 to 100.");
}

#[actix_web::test]
async fn metrics_name_the_pattern_and_never_the_path() {
    let server = Server::start(routes).await;
    for path in ["/things/secret-in-path", "/api/v1/things", "/secret-nowhere"] {
        get(&server, path).await;
    }
    server.raw("SECRETMETHOD /things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let metrics = telemetry().render();
    for series in [
        r#"http_request_duration_seconds_count{method="GET",route="/things/{name}",status="200"}"#,
        r#"http_request_duration_seconds_count{method="GET",route="/api/v1/things",status="200"}"#,
        r#"http_request_duration_seconds_count{method="GET",route="unmatched",status="404"}"#,
        r#"http_request_duration_seconds_count{method="OTHER",route="/things",status="405"}"#,
        r#"http_request_duration_seconds_bucket{method="GET",route="/things/{name}",status="200",le="0.0005"}"#,
        "http_requests_in_flight ",
    ] {
        assert!(metrics.contains(series), "{series} in\n{metrics}");
    }
    assert!(!metrics.to_lowercase().contains("secret"), "{metrics}");
}

#[test]
fn codes_are_distinct_snake_case() {
    let codes: std::collections::HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), Code::ALL.len());
    assert!(codes.iter().all(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    assert!(Code::ALL.iter().all(|code| code.status().is_client_error() || code.status().is_server_error()));
}

#[actix_web::test]
async fn handlers_may_answer_with_anything_that_responds() {
    async fn list() -> impl Responder {
        actix_web::web::Json(serde_json::json!([1]))
    }
    let server = Server::start(|config| {
        config.service(endpoint("/list").get(list));
    })
    .await;
    assert_eq!(get(&server, "/list").await.body, "[1]");
}
