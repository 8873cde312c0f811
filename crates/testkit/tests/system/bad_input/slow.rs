//! Clients that send too slowly, or stop in the middle: each is refused in time, and meanwhile others are served.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use testkit::{Service, System};
use tokio::{
    io::AsyncWriteExt,
    time::{interval, timeout},
};

use super::{case::Expected, furnish, panics, wire};

/// How long a head and a body may take in this test, in milliseconds.
const DEADLINE_MS: u64 = 1_500;
/// The framework's clock, the test's pauses and a busy machine.
const SLACK: Duration = Duration::from_secs(6);
/// Slow clients of each kind at once, on a service with one worker.
const CLIENTS: usize = 40;
/// A client that is as fast as others must not notice them.
const SERVED_WITHIN: Duration = Duration::from_millis(DEADLINE_MS / 2);

/// What a slow client sends at once, and then again and again.
struct Slow {
    service: Service,
    first: String,
    then: &'static str,
    expected: Expected,
}

fn kinds(token: &str) -> Vec<Slow> {
    let timed_out = Expected::Problem(408, "request_timeout");
    let posts = [
        (Service::Ingest, format!("POST /applications/{token}/chats/1/messages")),
        (Service::Ingest, format!("POST /api/v1/applications/{token}/chats")),
        (Service::Api, format!("PUT /applications/{token}/chats/1/messages/1")),
        (Service::Api, "POST /api/v1/applications".to_owned()),
    ];
    let mut kinds = Vec::new();
    for (service, start) in posts {
        let head = format!("{start} HTTP/1.1\r\nHost: chat\r\n");
        let slow = |first: String, then, expected| Slow { service, first, then, expected };
        kinds.extend([
            // Heads: one that stops, one that trickles on.
            slow(start.clone(), "", Expected::Bare(408)),
            slow(format!("{head}X: "), "x", Expected::Bare(408)),
            slow(head.clone(), "x: x\r\n", Expected::Bare(408)),
            // Bodies: announced and not sent, trickling, in chunks.
            slow(format!("{head}Content-Length: 100\r\n\r\n"), "", timed_out),
            slow(format!("{head}Content-Length: 1000\r\n\r\n{{"), " ", timed_out),
            slow(format!("{head}Transfer-Encoding: chunked\r\n\r\n"), "1\r\n \r\n", timed_out),
            slow(format!("{head}Transfer-Encoding: chunked\r\n\r\n1"), "", timed_out),
        ]);
    }
    kinds
}

impl Slow {
    /// Sends until it is answered; after how long it was.
    async fn run(&self, address: SocketAddr) -> Result<Duration, String> {
        let began = Instant::now();
        let (mut reader, mut writer) = wire::connect(address).await.into_split();
        let sending = async {
            let mut pause = interval(Duration::from_millis(100));
            let mut sent = writer.write_all(self.first.as_bytes()).await;
            while sent.is_ok() {
                pause.tick().await;
                sent = writer.write_all(self.then.as_bytes()).await;
            }
            // The service has closed the connection; what it said before is still to be read.
            std::future::pending::<()>().await;
        };
        let answer = tokio::select! {
            () = sending => return Err("unreachable".to_owned()),
            answer = wire::rest(&mut reader) => answer,
        };
        answer.and_then(|answer| self.expected.hold(&answer)).map_err(|found| format!("{:?}: {found}", self.first))?;
        Ok(began.elapsed())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_are_refused_in_time_and_hold_no_worker() {
    let panics = panics::watch();
    let builder = System::builder();
    let builder = builder.set("CHAT__HTTP__CLIENT_HEADER_MS", DEADLINE_MS).set("CHAT__HTTP__CLIENT_BODY_MS", DEADLINE_MS);
    let system = builder.start().await;
    let (application, chat) = furnish(&system).await;

    let kinds = kinds(&application.token);
    println!("slow: {} bad requests, {CLIENTS} clients each", kinds.len());
    let clients = kinds.iter().flat_map(|slow| std::iter::repeat_n(slow, CLIENTS));
    let clients = join_all(clients.map(|slow| slow.run(system.address(slow.service))));
    let served = async {
        let (began, mut slowest) = (Instant::now(), Duration::ZERO);
        while began.elapsed() < Duration::from_millis(DEADLINE_MS) {
            let (create, read) = (chat.attempt_post("quick").send().await, chat.message(1).await);
            assert_eq!((create.status, read.status), (201, 200));
            slowest = slowest.max(create.took).max(read.took);
        }
        slowest
    };
    let (refused, slowest) = tokio::join!(clients, served);
    for refused in refused {
        let took = refused.unwrap_or_else(|sentence| panic!("{sentence}"));
        let allowed = Duration::from_millis(DEADLINE_MS)..Duration::from_millis(DEADLINE_MS) + SLACK;
        assert!(allowed.contains(&took), "refused after {took:?}");
    }
    assert!(slowest < SERVED_WITHIN, "beside slow clients an answer took {slowest:?}");
    assert_eq!(panics.seen(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_hang_up_in_the_middle_leave_nothing_behind() {
    let panics = panics::watch();
    let system = System::start().await;
    let (application, chat) = furnish(&system).await;
    for slow in kinds(&application.token) {
        let mut stream = wire::connect(system.address(slow.service)).await;
        stream.write_all(slow.first.as_bytes()).await.unwrap();
        // Half a close: it may still be answered, and must be let go at once.
        stream.shutdown().await.unwrap();
        let answer = timeout(wire::LIMIT, wire::rest(&mut stream)).await.expect("the connection ends");
        if let Ok(answer) = answer {
            assert!((400..500).contains(&answer.status), "{:?}: {answer:?}", slow.first);
        }
    }
    assert_eq!(chat.post("the next").await, 3);
    assert_eq!(panics.seen(), Vec::<String>::new());
}
