//! A server for a test, and a client that sees every byte.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::web::ServiceConfig;
use serde::Deserialize;
use serde_json::Value;
use service::http::{Running, Settings, bind, serve};
use service::telemetry::{self, Telemetry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use trace::Tracer;

/// No answer in a test may take longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Config {
    http: Settings,
    log: telemetry::Settings,
}

fn config(variables: &[(&str, &str)]) -> Config {
    let fixed =
        [("CHAT__HTTP__ADDRESS", "127.0.0.1"), ("CHAT__HTTP__WORKERS", "2"), ("CHAT__HTTP__DRAIN_MS", "0"), ("LOG_LEVEL", "off")];
    let all = fixed.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    service::config::load_from(all, Some(0)).unwrap()
}

pub(crate) fn settings(variables: &[(&str, &str)]) -> Settings {
    config(variables).http
}

pub(crate) fn telemetry() -> Telemetry {
    telemetry::init(&config(&[]).log, "test").unwrap()
}

/// A running server that stops with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    running: Option<Running>,
}

impl Server {
    pub(crate) async fn start(configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> Self {
        Self::start_with(&[], configure).await
    }

    pub(crate) async fn start_with(
        variables: &[(&str, &str)],
        configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        telemetry();
        let settings = settings(variables);
        let shutdown = CancellationToken::new();
        let running = serve(bind(&settings).await.unwrap(), &settings, Tracer::off(), shutdown.clone(), configure).unwrap();
        Self { address: running.address(), shutdown, running: Some(running) }
    }

    /// Waits for the end of a server that was told to stop.
    pub(crate) async fn finished(mut self) {
        timeout(DEADLINE, self.running.take().unwrap().finished()).await.unwrap().unwrap();
    }

    /// An ordinary client's GET, with the headers given.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        // Whatever proxy the machine has, it does not lead to this server; and a test is to see an answer as it came.
        let client = reqwest::Client::builder().no_proxy().no_gzip().timeout(DEADLINE).build().unwrap();
        let request = client.get(format!("http://{}{path}", self.address));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
    }

    /// Sends the bytes on a new connection and reads until the server closes it.
    pub(crate) async fn raw(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut connection = self.connect().await;
        connection.send(request).await;
        connection.rest().await
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection(TcpStream::connect(self.address).await.unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // The server may have answered and closed before everything was sent.
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// Breaks it off: the server learns at once that nobody waits any more.
    pub(crate) fn reset(self) {
        self.0.set_zero_linger().unwrap();
    }

    /// Everything until the server closes the connection.
    pub(crate) async fn rest(self) -> Answer {
        read_to_end(self.0).await
    }

    /// As [`Connection::rest`], for a client that goes on sending these bytes again and again.
    pub(crate) async fn rest_while_sending(self, bytes: &str) -> Answer {
        let (reader, mut writer) = self.0.into_split();
        let sending = async {
            let mut pause = tokio::time::interval(Duration::from_millis(20));
            while writer.write_all(bytes.as_bytes()).await.is_ok() {
                pause.tick().await;
            }
            // Closed by the server, whose answer is still to be read.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = sending => unreachable!(),
            answer = read_to_end(reader) => answer,
        }
    }

    /// Waits until the server closes the connection without another word.
    pub(crate) async fn ends(self) {
        silent_end(self.0).await;
    }

    /// As [`Connection::ends`], for a client that goes on sending these bytes again and again.
    pub(crate) async fn ends_while_sending(self, bytes: &str) {
        let (reader, mut writer) = self.0.into_split();
        let sending = async {
            let mut pause = tokio::time::interval(Duration::from_millis(20));
            while writer.write_all(bytes.as_bytes()).await.is_ok() {
                pause.tick().await;
            }
        };
        tokio::select! {
            () = sending => {}
            () = silent_end(reader) => {}
        }
    }

    /// One answer whose head announces its length; the connection stays.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut bytes = Vec::new();
        let reading = async {
            loop {
                bytes.push(self.0.read_u8().await.unwrap());
                if bytes.ends_with(b"\r\n\r\n") {
                    break;
                }
            }
            let length = Answer::parse(&bytes).header("content-length").map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).await.unwrap();
            bytes.extend(body);
        };
        timeout(DEADLINE, reading).await.expect("no answer");
        Answer::parse(&bytes)
    }
}

async fn silent_end(mut reader: impl AsyncReadExt + Unpin) {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = timeout(DEADLINE, reader.read_to_end(&mut bytes)).await.expect("the server does not close");
    assert_eq!(String::from_utf8_lossy(&bytes), "");
}

async fn read_to_end(mut reader: impl AsyncReadExt + Unpin) -> Answer {
    let mut bytes = Vec::new();
    let read = timeout(DEADLINE, reader.read_to_end(&mut bytes)).await.expect("the server does not close");
    // A reset after the answer is a close as well.
    assert!(read.is_ok() || !bytes.is_empty(), "{read:?}");
    Answer::parse(&bytes)
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").expect("no answer");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// Checks that this is a whole problem with the status and code, and returns it.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["code"], code);
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"), "{problem}");
        problem
    }
}
