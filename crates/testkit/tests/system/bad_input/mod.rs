//! Requests that cannot be meant, over all routes of both services: each gets its own status and code, none a 5xx, none harms
//! another.
//!
//! One file a kind: [`bodies`], [`batches`], [`paths`], [`queries`], [`headers`], idempotency [`keys`], [`methods`], [`framing`]
//! (what is no HTTP), requests beyond the [`limits`], and [`slow`] clients. All of them are written to a socket byte by byte,
//! because an HTTP client would refuse to send most of them.

mod batches;
mod bodies;
mod case;
mod framing;
mod headers;
mod keys;
mod limits;
mod methods;
mod panics;
mod paths;
mod queries;
mod slow;
mod wire;

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use testkit::{Application, Chat, Service, System};

use case::{Case, World};

/// What the table must not fall below, in distinct requests.
const AT_LEAST: usize = 150;
/// Requests on their way side by side.
const AT_ONCE: usize = 8;

/// An application with one chat, 1, of the messages 1 and 2, each created with an idempotency key.
async fn furnish(system: &System) -> (Application, Chat) {
    let application = system.create_application("bad").await;
    application.attempt_chat().header(keys::HEADER, keys::OF_CHAT).send().await.expect(201);
    let chat = application.chat(1);
    chat.attempt_post("fine").header(keys::HEADER, keys::OF_MESSAGE).send().await.expect(201);
    let batch = chat.attempt_batch(json!({ "messages": [{ "body": "fine" }] }));
    batch.header(keys::HEADER, keys::OF_BATCH).send().await.expect(201);
    chat.await_stored(2).await;
    (application, chat)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bad_request_gets_its_own_code() {
    let panics = panics::watch();
    // On a busy machine the requests of others wait while a large body is read; they are not what is too slow here.
    let patient = [("CHAT__HTTP__CLIENT_HEADER_MS", 15_000), ("CHAT__HTTP__CLIENT_BODY_MS", 15_000)];
    let system = patient.into_iter().fold(System::builder(), |system, (name, value)| system.set(name, value)).start().await;
    let (application, chat) = furnish(&system).await;
    // Without the counts, which the count job may bring up to date meanwhile.
    let state = async || [application.read().await, chat.read().await, chat.message(1).await].map(|read| uncounted(read.json()));
    let before = state().await;

    let world = World { token: application.token.clone() };
    let kinds = [
        ("bodies", bodies::cases(&world)),
        ("batches", batches::cases(&world)),
        ("paths", paths::cases(&world)),
        ("queries", queries::cases(&world)),
        ("headers", headers::cases(&world)),
        ("keys", keys::cases(&world)),
        ("methods", methods::cases(&world)),
        ("framing", framing::cases(&world)),
    ];
    for (kind, cases) in &kinds {
        println!("{kind}: {} bad requests", cases.len());
    }
    let cases: Vec<&Case> = kinds.iter().flat_map(|(_, cases)| cases).collect();
    let distinct: HashSet<_> = cases.iter().map(|case| (case.service == Service::Api, &case.bytes)).collect();
    assert_eq!(distinct.len(), cases.len(), "a case stands twice in the table");

    let checks = cases.iter().map(|case| check(&system, &world, case));
    let checks: Vec<_> = stream::iter(checks).buffer_unordered(AT_ONCE).collect().await;
    let (ids, wrong): (Vec<_>, Vec<_>) = checks.into_iter().partition(Result::is_ok);
    let wrong: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
    println!("{} bad requests in all", cases.len());
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases.len() >= AT_LEAST);
    let ids: Vec<String> = ids.into_iter().flatten().flatten().collect();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "a request id is used twice");

    assert_eq!(before, state().await, "a bad request has changed something");
    assert_eq!(chat.post("the next").await, 3, "a bad request was given a number");
    assert_eq!(application.create_chat().await.number, 2, "a bad request was given a number");
    for service in [Service::Api, Service::Ingest] {
        let metrics = system.ask(service, "GET", "/metrics").send().await.text();
        assert!(metrics.contains(r#"status="422""#), "no metrics of {service:?}");
        assert!(!metrics.contains(r#"status="500""#), "{service:?} counts a bug");
    }
    assert_eq!(panics.seen(), Vec::<String>::new());
}

fn uncounted(mut entity: Value) -> Value {
    if let Value::Object(fields) = &mut entity {
        fields.retain(|name, _| !name.ends_with("_count"));
    }
    entity
}

/// Sends one case and holds its answer against what is expected; the answer's request id, or a sentence when it is another
/// answer.
async fn check(system: &System, world: &World, case: &Case) -> Result<Option<String>, String> {
    let answer = wire::exchange(system.address(case.service), &case.bytes).await.map_err(|error| format!("{case}: {error}"))?;
    case.expected.hold(&answer).map_err(|found| format!("{case}: {found}"))?;
    match answer.text().contains(&world.token) {
        true => Err(format!("{case}: the answer repeats the token")),
        false => Ok(answer.header("x-request-id").map(str::to_owned)),
    }
}
