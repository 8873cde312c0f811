//! What a collector gets, and what becomes of spans when it hangs or is away.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::time::{Duration, Instant};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::Value as Json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{sleep, timeout},
};
use trace::{Context, Kind, Settings, Tracer, Value};

const DEADLINE: Duration = Duration::from_secs(20);

/// A server that takes what is posted, answers with `status`, and hands the requests on.
async fn collector(status: &'static str) -> (String, mpsc::Receiver<(String, Json)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, requests) = mpsc::channel(100);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection, status, seen.clone()));
        }
    });
    (format!("http://{address}"), requests)
}

async fn answer(mut connection: TcpStream, status: &'static str, seen: mpsc::Sender<(String, Json)>) {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else {
            if connection.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        let length: usize = length.unwrap().parse().unwrap();
        while bytes.len() < end + 4 + length {
            assert_ne!(connection.read_buf(&mut bytes).await.unwrap(), 0);
        }
        let body = serde_json::from_slice(&bytes[end + 4..end + 4 + length]).unwrap();
        bytes.drain(..end + 4 + length);
        seen.send((head, body)).await.unwrap();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}");
        connection.write_all(answer.as_bytes()).await.unwrap();
    }
}

fn settings(endpoint: &str, queue_spans: usize) -> Settings {
    Settings {
        endpoint: endpoint.to_owned(),
        one_in: 1,
        callers_per_s: 10,
        queue_spans,
        timeout_ms: 500,
        tls: Default::default(),
    }
}

/// A tracer whose counts are its own.
fn tracer(settings: &Settings) -> (Tracer, Counts) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counts = Counts(recorder.handle());
    (metrics::with_local_recorder(&recorder, || Tracer::start(settings, "test", "1")).unwrap(), counts)
}

struct Counts(PrometheusHandle);

impl Counts {
    fn of(&self, outcome: &str) -> u64 {
        let series = format!("chat_spans_total{{outcome=\"{outcome}\"}} ");
        self.0.render().lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
    }

    async fn until(&self, outcome: &str, expected: u64) {
        let began = Instant::now();
        while self.of(outcome) != expected {
            assert!(began.elapsed() < DEADLINE, "{} instead of {expected} {outcome}", self.of(outcome));
            sleep(Duration::from_millis(10)).await;
        }
    }
}

fn spans(request: &Json) -> Vec<Json> {
    request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_trace_goes_on_in_its_callers() {
    let (endpoint, mut requests) = collector("200 OK").await;
    let (tracer, counts) = tracer(&settings(&endpoint, 100));
    let caller = Context::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
    let mut outer = tracer.receive("POST", Kind::Server, Some(caller));
    outer.rename("POST /things/{token}");
    outer.say("http.response.status_code", Value::Number(201));
    tracer.within("publish", Kind::Producer, outer.context()).end();
    outer.end();
    tracer.finish().await;

    let (head, request) = timeout(DEADLINE, requests.recv()).await.unwrap().unwrap();
    assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
    let spans = spans(&request);
    let [inner, outer] = &spans[..] else { panic!("{request}") };
    assert_eq!((&inner["name"], &outer["name"]), (&"publish".into(), &"POST /things/{token}".into()));
    for span in [inner, outer] {
        assert_eq!(span["traceId"], "0af7651916cd43dd8448eb211c80319c");
    }
    assert_eq!(outer["parentSpanId"], "b7ad6b7169203331");
    assert_eq!(inner["parentSpanId"], outer["spanId"]);
    counts.until("sent", 2).await;
    assert_eq!((counts.of("dropped"), counts.of("failed")), (0, 0));
}

#[tokio::test]
async fn what_is_cut_off_is_no_success() {
    let (endpoint, mut requests) = collector("200 OK").await;
    let (tracer, _) = tracer(&settings(&endpoint, 100));
    let mut done = tracer.receive("done", Kind::Client, None);
    assert_eq!(done.during(async { 7 }).await, 7);
    done.end();
    let mut cut_off = tracer.receive("cut off", Kind::Client, None);
    let hangs = async move { cut_off.during(std::future::pending::<()>()).await };
    assert!(timeout(Duration::from_millis(10), hangs).await.is_err());
    tracer.finish().await;

    let (_, request) = timeout(DEADLINE, requests.recv()).await.unwrap().unwrap();
    let told: Vec<_> = spans(&request).iter().map(|span| (span["name"].clone(), span["status"]["message"].clone())).collect();
    assert_eq!(told, [(Json::from("done"), Json::Null), (Json::from("cut off"), Json::from("cut off"))]);
}

#[tokio::test]
async fn what_the_caller_does_not_want_traced_is_not() {
    let (endpoint, _requests) = collector("200 OK").await;
    let (tracer, counts) = tracer(&settings(&endpoint, 100));
    let caller = Context::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    let span = tracer.receive("GET", Kind::Server, caller);
    assert_eq!(span.context(), None);
    assert_eq!(tracer.within("query", Kind::Client, span.context()).context(), None);
    assert_eq!(tracer.within("query", Kind::Client, caller).context(), None);
    span.end();
    let (none, _) = self::tracer(&Settings { one_in: 0, ..settings(&endpoint, 100) });
    assert_eq!(none.receive("GET", Kind::Server, None).context(), None);
    assert_eq!(Tracer::off().receive("GET", Kind::Server, None).context(), None);
    tracer.finish().await;
    assert_eq!((counts.of("sent"), counts.of("dropped")), (0, 0));
}

#[tokio::test]
async fn who_has_everything_traced_gets_some_of_it() {
    let (endpoint, _requests) = collector("200 OK").await;
    let (tracer, _) = tracer(&Settings { one_in: 0, ..settings(&endpoint, 100_000) });
    let caller = Context::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let began = Instant::now();
    let is_traced = || {
        let span = tracer.receive("POST", Kind::Server, caller);
        let handed_on = tracer.parent(&span, caller).context().unwrap();
        assert!(handed_on.is_of_trace_of(caller.unwrap()));
        // Nor do others tell of what is not told here.
        assert_eq!(handed_on.is_sampled(), span.context().is_some());
        span.context().is_some()
    };
    let traced = (0..10_000).filter(|_| is_traced()).count();
    // Ten in each second that was begun.
    let most = 10 * (began.elapsed().as_secs() + 2);
    assert!((10..=most).contains(&(traced as u64)), "{traced}");
}

#[tokio::test]
async fn one_in_so_many_is_traced() {
    let (endpoint, _requests) = collector("200 OK").await;
    let (tracer, _) = tracer(&Settings { one_in: 10, ..settings(&endpoint, 100_000) });
    let traced = (0..10_000).filter(|_| tracer.receive("GET", Kind::Server, None).context().is_some()).count();
    assert!((800..1_200).contains(&traced), "{traced}");
}

#[tokio::test]
async fn a_collector_that_refuses_or_is_away_costs_its_spans_and_nothing_else() {
    let (refusing, _requests) = collector("503 Service Unavailable").await;
    // Nothing listens on port 1.
    for endpoint in [refusing.as_str(), "http://127.0.0.1:1"] {
        let (tracer, counts) = tracer(&settings(endpoint, 100));
        tracer.receive("GET", Kind::Server, None).end();
        tracer.finish().await;
        counts.until("failed", 1).await;
        assert_eq!(counts.of("sent"), 0);
    }
}

#[tokio::test]
async fn a_collector_that_leads_elsewhere_is_not_followed() {
    let (elsewhere, mut requests) = collector("200 OK").await;
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        // A whole answer: the status' line takes the header with it.
        let led = format!("{status}\r\nLocation: {elsewhere}/v1/traces");
        let (endpoint, _seen) = collector(led.leak()).await;
        let (tracer, counts) = tracer(&settings(&endpoint, 100));
        tracer.receive("GET", Kind::Server, None).end();
        tracer.finish().await;
        counts.until("failed", 1).await;
        assert_eq!(counts.of("sent"), 0, "{status}");
    }
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn a_collector_that_hangs_holds_nobody_up() {
    // Connections are made by the kernel, and nobody ever takes one.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (tracer, counts) = tracer(&settings(&format!("http://{}", listener.local_addr().unwrap()), 10));
    let began = Instant::now();
    for _ in 0..1_000 {
        tracer.receive("GET", Kind::Server, None).end();
    }
    assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
    assert!(counts.of("dropped") >= 980, "{}", counts.of("dropped"));
    tracer.finish().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let dropped = counts.of("dropped");
    counts.until("failed", 1_000 - dropped).await;
    drop(listener);
}

#[tokio::test]
async fn a_process_ends_though_a_collector_with_much_time_hangs() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (tracer, _) = tracer(&Settings { timeout_ms: 60_000, ..settings(&endpoint, 10) });
    tracer.receive("GET", Kind::Server, None).end();
    let began = Instant::now();
    timeout(DEADLINE, tracer.finish()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(listener);
}
