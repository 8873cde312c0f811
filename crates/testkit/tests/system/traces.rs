//! One trace, from a request to the search index, told to a collector that listens here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use testkit::{Service, System, eventually};

const PATIENCE: Duration = Duration::from_secs(30);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A collector of OTLP over HTTP: keeps every span with the service that sent it.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(String, Value)>>>);

impl Collector {
    fn start(&self) -> String {
        let kept = self.clone();
        let application = move || {
            let kept = kept.clone();
            let take = move |body: web::Json<Value>| {
                kept.take(&body);
                async { HttpResponse::Ok().json(json!({})) }
            };
            App::new().app_data(web::JsonConfig::default().limit(16 << 20)).route("/v1/traces", web::post().to(take))
        };
        let server = HttpServer::new(application).workers(1).bind("127.0.0.1:0").unwrap().disable_signals();
        let endpoint = format!("http://{}", server.addrs()[0]);
        tokio::spawn(server.run());
        endpoint
    }

    fn take(&self, request: &Value) {
        for resource in request["resourceSpans"].as_array().unwrap() {
            let service = &resource["resource"]["attributes"][0]["value"]["stringValue"];
            for span in resource["scopeSpans"].as_array().unwrap().iter().flat_map(|scope| scope["spans"].as_array().unwrap()) {
                self.0.lock().unwrap().push((service.as_str().unwrap().to_owned(), span.clone()));
            }
        }
    }

    /// The spans of one trace, by service and name.
    fn of(&self, trace: &str) -> BTreeMap<(String, String), Value> {
        let spans = self.0.lock().unwrap();
        let of_trace = spans.iter().filter(|(_, span)| span["traceId"] == trace);
        of_trace.map(|(service, span)| ((service.clone(), span["name"].as_str().unwrap().to_owned()), span.clone())).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_request_through_the_queue_to_the_tables_and_the_index() {
    let collector = Collector::default();
    let endpoint = collector.start();
    // Only what the caller wants traced: nothing is left to chance.
    let system = System::builder().set("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint).set("CHAT__TRACE__ONE_IN", "0").start().await;
    let application = system.create_application("traced").await;
    let chat = application.create_chat().await;
    let path = format!("{}/messages", chat.path());
    let traced = |flags: &str| format!("00-{TRACE}-{CALLER}-{flags}");
    system.ingest("POST", &path).header("traceparent", &traced("01")).json(json!({ "body": "traced" })).send().await.expect(201);

    let names = [
        ("ingest", "POST /applications/{token}/chats/{number}/messages"),
        ("ingest", "take a number"),
        ("ingest", "publish"),
        ("consumer", "store"),
        ("consumer", "index"),
    ];
    let key = |(service, name): (&str, &str)| (service.to_owned(), name.to_owned());
    eventually("all spans are there", PATIENCE, async || {
        let spans = collector.of(TRACE);
        names.into_iter().all(|name| spans.contains_key(&key(name)))
    })
    .await;
    let spans = collector.of(TRACE);
    assert_eq!(spans.len(), names.len(), "{spans:?}");
    let [request, number, publish, store, index] = names.map(|name| &spans[&key(name)]);
    assert_eq!(request["parentSpanId"], CALLER);
    for (child, parent) in [(number, request), (publish, request), (store, publish), (index, store)] {
        assert_eq!(child["parentSpanId"], parent["spanId"], "{child}");
        assert!(child.get("status").is_none(), "{child}");
    }
    // No text, token or key of anybody's stands in them.
    let told = serde_json::to_string(&spans.values().collect::<Vec<_>>()).unwrap();
    assert!(!told.contains(&application.token) && !told.contains("traced\""), "{told}");

    // What nobody wants traced is stored and not told.
    let other = "1af7651916cd43dd8448eb211c80319c";
    let unwanted = format!("00-{other}-{CALLER}-00");
    system.ingest("POST", &path).header("traceparent", &unwanted).json(json!({ "body": "untold" })).send().await.expect(201);
    let read = format!("{path}/2");
    eventually("it is stored", PATIENCE, async || system.api("GET", &read).send().await.status == 200).await;
    // Spans are sent in their order: when those of a later request are there, others would be, too.
    let later = "2af7651916cd43dd8448eb211c80319c";
    let wanted = format!("00-{later}-{CALLER}-01");
    system.ingest("POST", &path).header("traceparent", &wanted).json(json!({ "body": "told" })).send().await.expect(201);
    eventually("the later request's spans are there", PATIENCE, async || {
        let spans = collector.of(later);
        names.into_iter().all(|name| spans.contains_key(&key(name)))
    })
    .await;
    assert_eq!(collector.of(other).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_that_answers_all_goes_on() {
    // Nothing listens on port 1.
    let system = System::builder()
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .set("CHAT__TRACE__ONE_IN", "1")
        .set("CHAT__TRACE__QUEUE_SPANS", "1")
        .start()
        .await;
    let application = system.create_application("away").await;
    let chat = application.create_chat().await;
    for number in 1..=20 {
        assert_eq!(chat.post("goes on").await, number);
    }
    // The series are there from the start, at 0.
    eventually("spans have failed", PATIENCE, async || {
        let metrics = system.ask(Service::Ingest, "GET", "/metrics").send().await.text();
        let failed = metrics.lines().find_map(|line| line.strip_prefix("chat_spans_total{outcome=\"failed\"} "));
        failed.is_some_and(|count| count.parse::<f64>().is_ok_and(|count| count > 0.0))
    })
    .await;
}
