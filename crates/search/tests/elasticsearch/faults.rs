//! A server that cannot be reached, does not answer, or answers what it should not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use search::{Error, Query, SearchIndex, Settings};

use crate::scratch::{application, chat, document};

const TIMEOUT: Duration = Duration::from_millis(400);
/// Far above what any of these may take, far below the timeouts that the operating system or the HTTP client would have.
const SOON: Duration = Duration::from_secs(8);

fn index_at(url: String) -> SearchIndex {
    let timeout_ms = TIMEOUT.as_millis() as u64;
    let settings = Settings {
        url,
        index: "chat-messages".to_owned(),
        timeout_ms,
        shards: 1,
        replicas: 0,
        refresh_ms: 500,
        tls: Default::default(),
    };
    SearchIndex::connect(&settings).unwrap()
}

async fn search(index: &SearchIndex) -> Error {
    let query = Query::parse("secret").unwrap();
    index.search(application(1), chat(1), &query, search::Cursor::After(0), domain::MAX_NUMBER, 10).await.unwrap_err()
}

/// A port that accepts connections and leaves them alone.
fn silent() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Answers one request with the text, and gives back the request's head.
fn answering(answer: impl Into<String>) -> (SocketAddr, JoinHandle<String>) {
    let answer = answer.into();
    let (listener, address) = silent();
    let server = thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut buffer = [0; 4096];
            let length = connection.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..length]);
        }
        connection.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&request).into_owned()
    });
    (address, server)
}

#[tokio::test]
async fn a_closed_port_is_unavailable_at_once() {
    let (listener, address) = silent();
    drop(listener);
    let index = index_at(format!("http://elastic:hunter2@{address}"));
    let began = Instant::now();
    for error in [
        search(&index).await,
        index.index(&[document((1, 1), 1, "secret")]).await.unwrap_err(),
        index.check().await.unwrap_err(),
        index.ensure_index().await.unwrap_err(),
        index.refresh().await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains("refused"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    assert!(began.elapsed() < SOON);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unavailable_after_the_timeout() {
    let (_listener, address) = silent();
    let index = index_at(format!("http://{address}"));
    let began = Instant::now();
    let error = search(&index).await;
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert!(began.elapsed() >= TIMEOUT && began.elapsed() < SOON, "{:?}", began.elapsed());

    // A bulk request has five times as long.
    let began = Instant::now();
    let error = index.index(&[document((1, 1), 1, "secret")]).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert!(began.elapsed() >= TIMEOUT * 5 && began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_overloaded_or_partial_server_is_unavailable() {
    for answer in [
        "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 63\r\n\r\n{\"error\":{\"type\":\"circuit_breaking_exception\",\"reason\":\"secret\"}}",
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\nno!",
        "HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{\"timed_out\":true}",
        "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{\"timed_out\":false",
    ] {
        let (address, server) = answering(answer);
        let error = search(&index_at(format!("http://{address}"))).await;
        assert!(matches!(error, Error::Unavailable(_)), "{answer}: {error:?}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        server.join().unwrap();
    }
}

#[tokio::test]
async fn an_answer_of_another_form_is_told() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: 52\r\n\r\n{\"timed_out\":false,\"hits\":{\"hits\":[{\"sort\":[0]}]}}   ",
    ] {
        let (address, server) = answering(answer);
        let error = search(&index_at(format!("http://{address}"))).await;
        assert!(matches!(error, Error::Protocol(_)), "{answer}: {error:?}");
        server.join().unwrap();
    }
}

#[tokio::test]
async fn user_and_password_of_the_url_are_sent_decoded_and_in_a_header_only() {
    let (address, server) = answering("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    let error = search(&index_at(format!("http://elastic:p%40ss@{address}"))).await;
    assert!(matches!(error, Error::Rejected { status: 401, .. }), "{error:?}");
    let request = server.join().unwrap().to_lowercase();
    assert!(request.contains("authorization: basic zwxhc3rpyzpwqhnz"), "{request}");
    assert!(!request.contains("p%40ss"), "{request}");
}

/// Redirects are followed, for the client cannot be kept from it.
#[tokio::test]
async fn user_and_password_do_not_go_where_a_redirect_leads() {
    let (elsewhere, there) = answering("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let (address, here) = answering(redirect);
    let error = search(&index_at(format!("http://elastic:hunter2@{address}"))).await;
    assert!(matches!(error, Error::Rejected { status: 401, .. }), "{error:?}");
    let (here, there) = (here.join().unwrap().to_lowercase(), there.join().unwrap().to_lowercase());
    assert!(here.contains("authorization: basic"), "{here}");
    assert!(!there.contains("authorization"), "{there}");
}

#[test]
fn settings_that_cannot_be_used_are_refused_without_showing_the_password() {
    for (url, index) in
        [("elastic:hunter2@localhost", "a"), ("", "a"), ("ftp://a:hunter2@b", "a"), ("http://a:hunter2@b:9200", "A/b")]
    {
        let settings = Settings {
            url: url.to_owned(),
            index: index.to_owned(),
            timeout_ms: 1,
            shards: 1,
            replicas: 0,
            refresh_ms: 500,
            tls: Default::default(),
        };
        let error = SearchIndex::connect(&settings).unwrap_err();
        assert!(matches!(error, Error::Settings(_)), "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
