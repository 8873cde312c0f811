//! Creates: every route of port 8080, in both families and the older spellings.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Answer, Application, Chat, Service, System};
use tokio_util::sync::CancellationToken;

const CHAT_CREATED: &str = "Chat created successfully";
const MESSAGE_CREATED: &str = "Message created successfully";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_is_created_by_every_route_with_and_without_a_name() {
    let system = System::start().await;
    let application = system.create_application("Globe Theatre").await;
    let routes = [
        (application.path() + "/chats", 201),
        (format!("/api/v1{}/chats", application.path()), 202),
        (format!("/chats/{}", application.token), 201),
    ];
    let bodies: [(Option<Value>, Option<&str>); 8] = [
        (None, None),
        (Some(json!({})), None),
        (Some(json!({ "chat": {} })), None),
        (Some(json!({ "name": null })), None),
        (Some(json!({ "other": [1] })), None),
        (Some(json!({ "name": "Scene I" })), Some("Scene I")),
        (Some(json!({ "chat": { "name": "景 🎭" } })), Some("景 🎭")),
        (Some(json!({ "chat": { "name": null } })), None),
    ];
    let mut number = 0;
    for (path, status) in &routes {
        for (body, name) in &bodies {
            number += 1;
            let ask = system.ingest("POST", path);
            let answer = match body {
                None => ask.send().await,
                Some(body) => ask.json(body.clone()).send().await,
            };
            let expected =
                if *status == 201 { json!({ "number": number, "status": CHAT_CREATED }) } else { json!({ "number": number }) };
            assert_eq!(answer.expect(*status), expected, "{path} {body:?}");
            let stored = application.chat(number).read().await.expect(200);
            assert_eq!(stored["name"].as_str(), *name, "{path} {body:?}");
        }
        // An empty body needs no JSON type.
        number += 1;
        let empty = system.ingest("POST", path).header("content-type", "text/plain").body("").send().await;
        assert_eq!(empty.expect(*status)["number"], number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_created_by_every_route_flat_and_wrapped() {
    let system = System::start().await;
    let application = system.create_application("Globe Theatre").await;
    let chat = application.create_chat().await;
    let routes = [
        (chat.path() + "/messages", 201),
        (format!("/api/v1{}/messages", chat.path()), 202),
        (format!("/chats/{}/messages", chat.number), 201),
    ];
    let mut number = 0;
    for (path, status) in &routes {
        for body in [json!({ "body": "To be" }), json!({ "message": { "body": "To be" } })] {
            number += 1;
            let ask = system.ingest("POST", path).header("X-Application-Token", &application.token);
            let answer = ask.json(body).send().await;
            let expected =
                if *status == 201 { json!({ "number": number, "status": MESSAGE_CREATED }) } else { json!({ "number": number }) };
            assert_eq!(answer.expect(*status), expected, "{path}");
        }
    }
    // Without a content type, with another JSON type, and with white space around.
    for (header, value) in
        [("x-none", "-"), ("content-type", "application/vnd.api+json"), ("content-type", "Application/JSON; charset=utf-8")]
    {
        number += 1;
        let answer = system.ingest("POST", &routes[0].0).header(header, value).body(" {\"body\": \"To be\"}\n").send().await;
        assert_eq!(answer.expect(201)["number"], number, "{header}: {value}");
    }
    chat.await_stored(number).await;
    let expected: Vec<_> = (1..=number).map(|number| (number, "To be".to_owned())).collect();
    assert_eq!(chat.messages().await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_are_kept_exactly_up_to_their_limits() {
    let system = System::start().await;
    let application = system.create_application("limits").await;
    let name = "語".repeat(255);
    let chat = application.create_named_chat(&name).await;
    assert_eq!(chat.read().await.expect(200)["name"], name);
    let bodies = ["🦀".repeat(10_000), "a".repeat(10_000), " ".to_owned(), "\0\r\n\u{feff}e\u{301}\\\"".to_owned()];
    for (number, body) in (1..).zip(&bodies) {
        assert_eq!(chat.post(body).await, number);
    }
    for (number, body) in (1..).zip(&bodies) {
        assert_eq!(chat.message(number).await.expect(200)["body"], *body, "message {number}");
    }
    // The largest request: 64 KiB, white space included.
    let mut largest = br#"{"body":"small"}"#.to_vec();
    largest.resize(65_536, b' ');
    let path = chat.path() + "/messages";
    assert_eq!(system.ingest("POST", &path).body(largest.clone()).send().await.expect(201)["number"], 5);
    largest.push(b' ');
    system.ingest("POST", &path).body(largest).send().await.problem(413, "payload_too_large");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_created_is_refused_alike_on_every_route() {
    let system = System::start().await;
    let application = system.create_application("errors").await;
    let chat = application.create_chat().await;
    let token = application.token.as_str();
    for prefix in ["", "/api/v1"] {
        let post = async |path: &str| system.ingest("POST", &format!("{prefix}{path}")).json(json!({ "body": "x" })).send().await;
        for unknown in ["0123456789abcdef0123456789abcdef", &token.to_uppercase(), &token[1..], "x", "%00", "%F0%9F%A6%80"] {
            post(&format!("/applications/{unknown}/chats")).await.problem(404, "application_not_found");
            post(&format!("/applications/{unknown}/chats/1/messages")).await.problem(404, "application_not_found");
        }
        for unknown in ["2", "0", "-1", "1.0", "x", "9007199254740991", "9007199254740992", "%31%20"] {
            post(&format!("/applications/{token}/chats/{unknown}/messages")).await.problem(404, "chat_not_found");
        }
        refused_chat_bodies(&system, &format!("{prefix}{}/chats", application.path())).await;
        refused_message_bodies(&system, &format!("{prefix}{}/messages", chat.path()), token).await;
    }
    refused_chat_bodies(&system, &format!("/chats/{token}")).await;
    let by_header = "/chats/1/messages";
    refused_message_bodies(&system, by_header, token).await;
    system.ingest("POST", by_header).json(json!({ "body": "x" })).send().await.problem(400, "missing_header");
    for wrong in ["", "x", "0123456789abcdef0123456789abcdef"] {
        let ask = system.ingest("POST", by_header).header("X-Application-Token", wrong);
        ask.json(json!({ "body": "x" })).send().await.problem(404, "application_not_found");
    }
    // Nothing of all this took a number.
    assert_eq!(chat.post("the first").await, 1);
    assert_eq!(application.create_chat().await.number, 2);
}

async fn refused_chat_bodies(system: &System, path: &str) {
    let post = |body: &str| system.ingest("POST", path).header("content-type", "application/json").body(body);
    for (body, rule) in [
        (json!({ "name": "" }), "empty"),
        (json!({ "name": 1 }), "not_a_string"),
        (json!({ "name": "n".repeat(256) }), "too_long"),
    ] {
        post(&body.to_string()).send().await.invalid("name", rule);
        post(&json!({ "chat": body }).to_string()).send().await.invalid("name", rule);
    }
    for body in ["[]", "null", "{", "\"x\"", "{\"chat\": []}", "{\"chat\": null}", "{'name': 'x'}"] {
        post(body).send().await.problem(400, "malformed_json");
    }
    system
        .ingest("POST", path)
        .header("content-type", "text/plain")
        .body("{}")
        .send()
        .await
        .problem(415, "unsupported_media_type");
    post(&" ".repeat(65_537)).send().await.problem(413, "payload_too_large");
    let answer = system.ingest("GET", path).send().await;
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
}

async fn refused_message_bodies(system: &System, path: &str, token: &str) {
    let ask = || system.ingest("POST", path).header("X-Application-Token", token);
    let post = |body: &str| ask().header("content-type", "application/json").body(body);
    for (body, rule) in [
        (json!({}), "required"),
        (json!({ "body": null }), "required"),
        (json!({ "name": "x" }), "required"),
        (json!({ "body": "" }), "empty"),
        (json!({ "body": 1 }), "not_a_string"),
        (json!({ "body": ["x"] }), "not_a_string"),
        (json!({ "body": { "body": "x" } }), "not_a_string"),
        (json!({ "body": "a".repeat(10_001) }), "too_long"),
        (json!({ "body": "🦀".repeat(10_001) }), "too_long"),
    ] {
        post(&body.to_string()).send().await.invalid("body", rule);
        post(&json!({ "message": body }).to_string()).send().await.invalid("body", rule);
    }
    for body in ["", "[]", "null", "{", "{\"message\": \"x\"}", "{\"body\": \"\\ud83e\"}", "{\"body\": \"x\"} {}"] {
        post(body).send().await.problem(400, "malformed_json");
    }
    ask().header("content-type", "text/plain").body("{\"body\":\"x\"}").send().await.problem(415, "unsupported_media_type");
    ask().header("content-encoding", "gzip").body("{\"body\":\"x\"}").send().await.problem(415, "unsupported_media_type");
    post(&" ".repeat(65_537)).send().await.problem(413, "payload_too_large");
    let answer = ask().header("content-type", "application/json").body([b"{\"body\":\"".as_slice(), b"\xff", b"\"}"].concat());
    answer.send().await.problem(400, "malformed_json");
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let answer = system.ingest(method, path).send().await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_give_every_number_once_and_none_is_left_out() {
    let system = System::builder().replicas(Service::Ingest, 2).start().await;
    let application = system.create_application("crowd").await;
    let chats = join_all((0..200).map(|_| application.create_chat())).await;
    let numbers: BTreeSet<u64> = chats.iter().map(|chat| chat.number).collect();
    assert_eq!(numbers, (1..=200).collect());

    let chat = application.chat(200);
    let texts: Vec<String> = (0..200).map(|text| format!("text {text}")).collect();
    let given = join_all(texts.iter().map(|text| chat.post(text))).await;
    assert_eq!(given.iter().copied().collect::<BTreeSet<u64>>(), (1..=200).collect());
    chat.await_stored(200).await;
    let mut expected: Vec<(u64, String)> = given.into_iter().zip(texts).collect();
    expected.sort();
    assert_eq!(chat.messages().await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_id_goes_through_answers_problems_and_events() {
    let system = System::start().await;
    let application = system.create_application("ids").await;
    application.create_chat().await.read().await.expect(200);
    // From now on the items stay in the queues.
    system.stop(Service::Consumer).await;
    let chat = create_with_id(&application, "chat-1").await;
    let answer = chat.attempt_post("x").header("X-Request-Id", "message-1").send().await;
    assert_eq!((answer.status, answer.header("x-request-id")), (201, Some("message-1")));
    let own = chat.attempt_post("y").send().await;
    let own_id = own.header("x-request-id").expect("an id").to_owned();
    assert_eq!(uuid::Uuid::parse_str(&own_id).map(|id| id.to_string()), Ok(own_id.clone()));
    // Ids that cannot be used are replaced.
    for unusable in ["", "two words", &"x".repeat(129)] {
        let answer = system.ingest("POST", "/nowhere").header("X-Request-Id", unusable).send().await;
        let problem = answer.problem(404, "route_not_found");
        assert_ne!(problem["request_id"], unusable);
    }
    assert_eq!(request_ids_in_queue(&system, 3).await, BTreeSet::from(["chat-1".to_owned(), "message-1".to_owned(), own_id]));
}

async fn create_with_id(application: &Application, id: &str) -> Chat {
    let answer: Answer = application.attempt_chat().header("X-Request-Id", id).send().await;
    assert_eq!(answer.header("x-request-id"), Some(id));
    application.chat(answer.expect(201)["number"].as_u64().unwrap())
}

/// The ids that stand in the first `count` items of the queues.
async fn request_ids_in_queue(system: &System, count: usize) -> BTreeSet<String> {
    let stop = CancellationToken::new();
    let (_consumer, streams) = broker::Consumer::start(&system.config::<consumer::Config>().amqp, stop.clone());
    let (items, mut received) = tokio::sync::mpsc::unbounded_channel();
    for mut stream in streams {
        let items = items.clone();
        tokio::spawn(async move {
            while let Some(event) = stream.next().await {
                let broker::Event::Delivery(delivery) = event else { continue };
                if let Ok(events::Decoded::Items { items: found, .. }) = events::decode(&delivery.payload) {
                    found.into_iter().for_each(|item| drop(items.send(item.expect("an item"))));
                }
            }
        });
    }
    let mut ids = BTreeSet::new();
    for _ in 0..count {
        ids.insert(match received.recv().await.expect("an item") {
            events::Item::Chat(chat) => chat.request_id,
            events::Item::Message(message) => message.request_id,
        });
    }
    stop.cancel();
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_service_tells_its_health_its_readiness_and_its_metrics() {
    let system = System::start().await;
    let application = system.create_application("metrics").await;
    application.create_chat().await.post("x").await;
    let expected: [(Service, &[&str]); 3] = [
        (Service::Api, &["elasticsearch", "mysql", "rabbitmq", "redis"]),
        (Service::Ingest, &["mysql", "numbering", "rabbitmq", "redis"]),
        (Service::Consumer, &["elasticsearch", "mysql", "rabbitmq"]),
    ];
    for (service, dependencies) in expected {
        assert_eq!(system.ask(service, "GET", "/healthz").send().await.expect(200), json!({ "status": "ok" }), "{service:?}");
        let ready = system.ask(service, "GET", "/readyz").send().await.expect(200);
        assert_eq!(ready["status"], "ok", "{ready}");
        let named: Vec<&String> = ready["dependencies"].as_object().unwrap().keys().collect();
        assert_eq!(named, dependencies, "{service:?}");
        assert!(dependencies.iter().all(|name| ready["dependencies"][*name]["state"] == "up"), "{ready}");

        let metrics = system.ask(service, "GET", "/metrics").send().await;
        assert_eq!((metrics.status, metrics.header("content-type")), (200, Some("text/plain; version=0.0.4; charset=utf-8")));
        assert!(!metrics.text().contains(&application.token), "a token among the metrics of {service:?}");
        for path in ["/healthz", "/readyz", "/metrics"] {
            system.ask(service, "POST", path).send().await.problem(405, "method_not_allowed");
            assert_eq!(system.ask(service, "HEAD", path).send().await.status, 200);
        }
        system.ask(service, "GET", "/nowhere").send().await.problem(404, "route_not_found");
    }
    let metrics = system.ingest("GET", "/metrics").send().await.text();
    for sample in [
        "http_request_duration_seconds_count{",
        "route=\"/applications/{token}/chats\"",
        "http_requests_in_flight",
        "chat_publish_seconds",
    ] {
        assert!(metrics.contains(sample), "{sample} is not in {metrics}");
    }
}
