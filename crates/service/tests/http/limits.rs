//! What the server does with requests that are too large, too slow or wrongly framed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::web::{Bytes, ServiceConfig};
use service::http::{Body, endpoint};
use service::problem::Problem;

use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::timeout;

use crate::support::{DEADLINE, Server};

const LIMIT: usize = 1000;
/// Of one path.
const LARGE: usize = 5000;
const SMALL: &[(&str, &str)] = &[("CHAT__HTTP__REQUEST_BYTES", "1000")];
/// Who is to be told that they are slow. A busy machine may be so itself, so nobody else is held to that.
const HASTY: &[(&str, &str)] =
    &[("CHAT__HTTP__REQUEST_BYTES", "1000"), ("CHAT__HTTP__CLIENT_BODY_MS", "300"), ("CHAT__HTTP__CLIENT_HEADER_MS", "300")];

fn routes(config: &mut ServiceConfig) {
    config
        .service(endpoint("/length").post(async |body: Body| body.bytes().len().to_string()))
        .service(endpoint("/large").post(async |body: Body| body.bytes().len().to_string()).body_limit(LARGE))
        .service(endpoint("/framework").post(async |body: Bytes| body.len().to_string()))
        .service(endpoint("/json").post(json));
}

async fn json(body: Body) -> Result<String, Problem> {
    Ok(body.object(None)?.len().to_string())
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n{body}")
}

fn sized(path: &str, length: usize) -> String {
    post(path, &format!("Content-Length: {length}\r\n"), &"x".repeat(length))
}

fn chunked(path: &str, length: usize) -> String {
    let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
    post(path, "Transfer-Encoding: chunked\r\n", &format!("{}0\r\n\r\n", chunk.repeat(length / 100)))
}

#[actix_web::test]
async fn a_body_of_the_limit_passes_and_a_larger_one_is_413() {
    let server = Server::start_with(SMALL, routes).await;
    for path in ["/length", "/framework"] {
        assert_eq!(server.raw(sized(path, LIMIT)).await.body, "1000");
        assert_eq!(server.raw(chunked(path, LIMIT)).await.body, "1000");
        server.raw(sized(path, LIMIT + 1)).await.problem(413, "payload_too_large");
        server.raw(chunked(path, LIMIT + 100)).await.problem(413, "payload_too_large");
        server.raw(chunked(path, LIMIT * 100)).await.problem(413, "payload_too_large");
    }
}

#[actix_web::test]
async fn a_path_may_have_a_limit_of_its_own() {
    let server = Server::start_with(SMALL, routes).await;
    assert_eq!(server.raw(sized("/large", LARGE)).await.body, "5000");
    assert_eq!(server.raw(chunked("/large", LARGE)).await.body, "5000");
    for request in [sized("/large", LARGE + 1), chunked("/large", LARGE + 100)] {
        let answer = server.raw(request).await;
        answer.problem(413, "payload_too_large");
        assert!(answer.body.contains("at most 5000 bytes"), "{}", answer.body);
    }
    server.raw(sized("/length", LARGE)).await.problem(413, "payload_too_large");
}

#[actix_web::test]
async fn large_bodies_share_a_room_and_small_ones_need_none() {
    // Each of the large ones has 4,000 bytes more than every body may have.
    let variables = [SMALL, &[("CHAT__HTTP__LARGE_BODIES_BYTES", "9000")]].concat();
    let (begun, mut begins) = mpsc::unbounded_channel();
    let may_end = Arc::new(Semaphore::new(0));
    let end = may_end.clone();
    let server = Server::start_with(&variables, move |config| {
        let (begun, end) = (begun.clone(), end.clone());
        let held = move |body: Body| {
            let (begun, end) = (begun.clone(), end.clone());
            async move {
                begun.send(()).unwrap();
                end.acquire().await.unwrap().forget();
                body.bytes().len().to_string()
            }
        };
        routes(config);
        config.service(endpoint("/held").post(held).body_limit(LARGE));
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut connection = server.connect().await;
        connection.send(sized("/held", LARGE)).await;
        timeout(DEADLINE, begins.recv()).await.unwrap().unwrap();
        held.push(connection);
    }
    server.raw(sized("/large", LARGE)).await.problem(503, "overloaded");
    assert_eq!(server.raw(sized("/length", LIMIT)).await.body, "1000");
    assert_eq!(server.raw(sized("/large", LIMIT)).await.body, "1000");
    // Those that are done with leave room.
    may_end.add_permits(held.len());
    for connection in held {
        assert_eq!(connection.rest().await.body, "5000");
    }
    assert_eq!(server.raw(sized("/large", LARGE)).await.body, "5000");
}

#[actix_web::test]
async fn an_announced_length_is_refused_before_the_body_comes() {
    let server = Server::start_with(SMALL, routes).await;
    for length in ["1001", "999999999999"] {
        let mut connection = server.connect().await;
        connection.send(post("/length", &format!("Content-Length: {length}\r\n"), "")).await;
        connection.answer().await.problem(413, "payload_too_large");
    }
}

#[actix_web::test]
async fn a_body_has_its_announced_length_whatever_protocol_is_asked_for_beside() {
    // A body may take ten seconds here.
    let server = Server::start(routes).await;
    let upgrade = |headers: &str, body: &str| {
        format!("POST /length HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n{headers}\r\n{body}")
    };
    for (headers, body, read) in [
        ("Content-Length: 3\r\n", "abc", "3"),
        ("Content-Length: 3\r\n", "abcdef", "3"),
        ("Content-Length: 0\r\n", "", "0"),
        ("", "", "0"),
        ("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n", "3"),
    ] {
        let started = Instant::now();
        let mut connection = server.connect().await;
        connection.send(upgrade(headers, body)).await;
        let answer = connection.answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (200, read), "{headers:?} {body:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{headers:?} {body:?}: {:?}", started.elapsed());
    }
    // What is behind the body is nothing that anybody waits for.
    let mut connection = server.connect().await;
    connection.send(upgrade("Content-Length: 3\r\n", "abc")).await;
    assert_eq!(connection.rest().await.body, "3");
    let limited = Server::start_with(HASTY, routes).await;
    limited.raw(upgrade("Content-Length: 1001\r\n", "")).await.problem(413, "payload_too_large");
    limited.raw(upgrade("Content-Length: 3\r\n", "ab")).await.problem(408, "request_timeout");
}

#[actix_web::test]
async fn a_slow_body_is_408_and_the_connection_is_closed() {
    let server = Server::start_with(HASTY, routes).await;
    let started = Instant::now();
    let answer = server.raw("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc").await;
    answer.problem(408, "request_timeout");
    assert_eq!(answer.header("connection"), Some("close"));
    assert!((Duration::from_millis(300)..Duration::from_secs(5)).contains(&started.elapsed()), "{:?}", started.elapsed());
}

#[actix_web::test]
async fn a_body_that_trickles_is_held_to_the_same_deadline() {
    let server = Server::start_with(HASTY, routes).await;
    let mut connection = server.connect().await;
    connection.send("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n").await;
    for _ in 0..9 {
        connection.send("x").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    connection.answer().await.problem(408, "request_timeout");
}

#[actix_web::test]
async fn a_connection_ends_with_the_answer_when_chunks_still_trickle() {
    let server = Server::start_with(HASTY, routes).await;
    let head = "HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (start, status) in
        [("POST /length", 408), ("GET /nothing", 404), ("DELETE /length", 405), ("HEAD /nothing", 404), ("OPTIONS /length", 204)]
    {
        let mut connection = server.connect().await;
        connection.send(format!("{start} {head}")).await;
        let answer = connection.rest_while_sending("1\r\nx\r\n").await;
        assert_eq!(answer.status, status, "{start}");
        assert!(status != 204 || answer.header("content-length").is_none(), "{answer:?}");
    }
}

#[actix_web::test]
async fn a_connection_outlives_a_chunked_body_that_is_read() {
    let server = Server::start_with(SMALL, routes).await;
    let mut connection = server.connect().await;
    for path in ["/length", "/framework", "/length"] {
        connection
            .send(format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"))
            .await;
        assert_eq!(connection.answer().await.status, 200);
    }
}

#[actix_web::test]
async fn heads_beyond_the_parser_get_a_bare_status() {
    let server = Server::start_with(HASTY, routes).await;
    let giant = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Filler: {}\r\n\r\n", "x".repeat(200_000));
    let twice = post("/length", "Content-Length: 1\r\nContent-Length: 2\r\n", "xx");
    let both = post("/length", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n");
    let signed = post("/length", "Content-Length: +1\r\n", "x");
    for (name, request, status) in [
        ("giant header", giant.as_str(), 431),
        ("two lengths", &twice, 400),
        ("length and chunks", &both, 400),
        ("signed length", &signed, 400),
        ("not HTTP", "what is this?\r\n\r\n", 400),
        ("slow head", "GET / HT", 408),
    ] {
        assert_eq!(server.raw(request).await.status, status, "{name}");
    }
    let after = server.raw(sized("/length", 3)).await;
    assert_eq!(after.body, "3", "{after:?}");
}

#[actix_web::test]
async fn broken_chunks_and_early_ends_are_400() {
    let server = Server::start_with(SMALL, routes).await;
    let broken = post("/length", "Transfer-Encoding: chunked\r\n", "zz\r\n");
    server.raw(broken).await.problem(400, "malformed_request");
}

#[actix_web::test]
async fn bodies_that_are_not_json_are_refused_by_kind() {
    let server = Server::start_with(SMALL, routes).await;
    let json = |headers: &str, body: &str| post("/json", &format!("Content-Length: {}\r\n{headers}", body.len()), body);
    assert_eq!(server.raw(json("Content-Type: application/json\r\n", "{\"a\":1}")).await.body, "1");
    assert_eq!(server.raw(json("", "{\"a\":1}")).await.body, "1");
    for encoding in ["identity", "Identity", "IDENTITY\r\nContent-Encoding: identity"] {
        assert_eq!(server.raw(json(&format!("Content-Encoding: {encoding}\r\n"), "{}")).await.body, "0", "{encoding}");
    }
    for encoding in ["gzip", "", "identity, gzip", "identity\r\nContent-Encoding: gzip"] {
        let answer = server.raw(json(&format!("Content-Encoding: {encoding}\r\n"), "{}")).await;
        answer.problem(415, "unsupported_media_type");
    }
    // Whichever of two counted, somebody else would read the other.
    for second in ["application/json", "text/plain"] {
        let answer = server.raw(json(&format!("Content-Type: application/json\r\nContent-Type: {second}\r\n"), "{}")).await;
        answer.problem(400, "malformed_request");
    }
    server.raw(json("Content-Type: text/plain\r\n", "{}")).await.problem(415, "unsupported_media_type");
    server.raw(json("Content-Type: é\r\n", "{}")).await.problem(415, "unsupported_media_type");
    server.raw(json("", "{\"a\":")).await.problem(400, "malformed_json");
    server.raw(json("", "")).await.problem(400, "malformed_json");
    server.raw(json("", "[]")).await.problem(400, "malformed_json");
}

#[actix_web::test]
async fn the_head_of_a_later_request_has_a_deadline_too() {
    let variables = [HASTY, &[("CHAT__HTTP__KEEP_ALIVE_MS", "500")]].concat();
    let server = Server::start_with(&variables, routes).await;
    let after_an_answer = async |started: &str| {
        let mut connection = server.connect().await;
        connection.send(sized("/length", 3).replace("Connection: close\r\n", "")).await;
        assert_eq!(connection.answer().await.body, "3");
        connection.send(started).await;
        connection
    };
    let mut silent = Vec::new();
    for started in ["G", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n"] {
        silent.push(after_an_answer(started).await);
    }
    // One that trickles is no better off.
    after_an_answer("GET /length HTTP/1.1\r\nX: ").await.ends_while_sending("x").await;
    for connection in silent {
        connection.ends().await;
    }
}

/// Something that never ends, and tells when it is dropped.
struct Endless(Arc<Notify>);

impl Drop for Endless {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[actix_web::test]
async fn who_does_not_read_an_answer_is_let_go() {
    let dropped = Arc::new(Notify::new());
    let told = dropped.clone();
    let endless = move |config: &mut ServiceConfig| {
        let told = told.clone();
        let answer = move || {
            let endless = Endless(told.clone());
            async move {
                let chunks = futures_util::stream::repeat_with(move || {
                    let _kept = &endless;
                    Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 16 * 1024]))
                });
                HttpResponse::Ok().streaming(chunks)
            }
        };
        config.service(endpoint("/endless").get(answer));
    };
    let server = Server::start_with(&[("CHAT__HTTP__CLIENT_READ_MS", "500")], endless).await;
    let mut connection = server.connect().await;
    connection.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await;
    // The client stays, and reads nothing.
    timeout(DEADLINE, dropped.notified()).await.expect("the answer is still being sent");
    drop(connection);
}

#[actix_web::test]
async fn a_handler_has_its_time_from_the_end_of_the_body_on() {
    const WITHIN: Duration = Duration::from_millis(400);
    let dropped = Arc::new(Notify::new());
    let told = dropped.clone();
    let server = Server::start(move |config: &mut ServiceConfig| {
        let told = told.clone();
        let never = move |_: Body| {
            let kept = Endless(told.clone());
            async move {
                let _kept = kept;
                std::future::pending::<&'static str>().await
            }
        };
        let quick = async |body: Body| body.bytes().len().to_string();
        config.service(endpoint("/never").within(WITHIN).post(never)).service(endpoint("/quick").within(WITHIN).post(quick));
    })
    .await;
    let started = Instant::now();
    server.raw(sized("/never", 3)).await.problem(503, "timeout");
    assert!((WITHIN..Duration::from_secs(5)).contains(&started.elapsed()), "{:?}", started.elapsed());
    timeout(DEADLINE, dropped.notified()).await.expect("the handler goes on");
    // A body that takes longer than the handler may.
    let mut connection = server.connect().await;
    connection.send("POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n").await;
    for _ in 0..8 {
        tokio::time::sleep(WITHIN / 4).await;
        connection.send("x").await;
    }
    assert_eq!(connection.answer().await.body, "8");
}
