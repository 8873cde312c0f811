//! Rate limits of creates: counted by the very call that gives the number, so that they cost no round trip, and by a call of
//! their own where a create never comes to its number.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Answer, Application, Builder, Server, System, eventually};

const TIME_TO_RECOVER: Duration = Duration::from_secs(30);

/// Behind what counts as a trusted proxy, so that a request can be anyone's.
fn limited(creates_per_minute: usize) -> Builder {
    System::builder()
        .set("CHAT__RATE_LIMIT__CREATES_PER_MINUTE", creates_per_minute)
        .set("CHAT__RATE_LIMIT__TRUSTED_PROXIES", "127.0.0.0/8")
        // A busy machine must not look like an outage, in which requests pass.
        .set("CHAT__RATE_LIMIT__TIMEOUT_MS", 2000)
}

async fn post(system: &System, client: &str, path: &str, body: Value) -> Answer {
    system.ingest("POST", path).header("X-Forwarded-For", client).json(body).send().await
}

/// How many more creates the answer says would pass now.
fn remaining(answer: &Answer) -> u64 {
    let field = answer.header("ratelimit").unwrap_or_else(|| panic!("no RateLimit: {} {}", answer.status, answer.text()));
    let value = field.split(';').find_map(|part| part.strip_prefix("r="));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{field}"))
}

/// Calls of scripts that this system's own Redis has served.
async fn script_calls(system: &System) -> u64 {
    let stats: String = system.redis(&["INFO", "commandstats"]).await;
    let calls = |name: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
        line.map_or(0, |line| line.split(',').next().unwrap().parse::<u64>().unwrap())
    };
    ["eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro"].map(calls).iter().sum()
}

/// What one system's creates cost: calls of scripts for messages, batches, chats, and refused ones.
async fn costs(system: &System) -> [u64; 4] {
    let application = system.create_application("Globe").await;
    let chat = application.create_chat().await;
    chat.post("x").await;
    let mut before = script_calls(system).await;
    let mut costs = Vec::new();
    for (path, body, status) in [
        (chat.path() + "/messages", json!({ "body": "x" }), 201),
        (chat.path() + "/messages:batch", json!({ "messages": [{ "body": "x" }, { "body": "y" }] }), 201),
        (application.path() + "/chats", json!({}), 201),
        (chat.path() + "000/messages", json!({ "body": "x" }), 404),
    ] {
        for _ in 0..20 {
            let answer = post(system, "203.0.113.1", &path, body.clone()).await;
            assert_eq!(answer.status, status, "{}", answer.text());
        }
        let after = script_calls(system).await;
        costs.push(after - before);
        before = after;
    }
    costs.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_costs_a_create_no_call_of_redis() {
    let unlimited = System::builder().own(Server::Redis).start().await;
    let without = costs(&unlimited).await;
    drop(unlimited);
    let system = limited(100_000).own(Server::Redis).start().await;
    let with = costs(&system).await;
    // A chat is given its number, and its first message's counter is set.
    assert_eq!(with, [20, 20, 40, 20]);
    assert_eq!(with, without);
    let chat = system.create_application("Rose").await.create_chat().await;
    let first = remaining(&post(&system, "203.0.113.2", &format!("{}/messages", chat.path()), json!({ "body": "x" })).await);
    assert_eq!(first, 99_999, "creates are limited");
    // Only what never comes to its number is counted by a call of its own.
    let before = script_calls(&system).await;
    post(&system, "203.0.113.1", &format!("{}/messages", chat.path()), json!({})).await.invalid("body", "required");
    assert_eq!(script_calls(&system).await - before, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_create_comes_to_it_counts_once() {
    const BURST: u64 = 6;
    // One a minute, so that none comes due while the test runs.
    let system = limited(1).set("CHAT__RATE_LIMIT__BURST", BURST).start().await;
    let application: Application = system.create_application("Globe").await;
    let (chats, messages) = (format!("{}/chats", application.path()), format!("{}/chats/1/messages", application.path()));
    let unknown = "/applications/00000000000000000000000000000000/chats";
    let text = json!({ "body": "x" });
    // Another one's limit is not touched by what follows.
    post(&system, "203.0.113.1", &chats, json!({})).await.expect(201);

    let send = async |path: &str, body: Value| post(&system, "203.0.113.2", path, body).await;
    let answers = [
        // Its counter is missing: it asks for a number twice.
        (send(unknown, json!({})).await, 404, "application_not_found"),
        (send(&format!("{}/chats/2/messages", application.path()), text.clone()).await, 404, "chat_not_found"),
        (send(&messages, json!({ "body": 1 })).await, 422, "invalid_field"),
        (send("/nowhere", json!({})).await, 404, "route_not_found"),
        (send(&format!("{messages}:batch"), json!({ "messages": [] })).await, 422, "invalid_field"),
    ];
    for (index, (answer, status, code)) in answers.iter().enumerate() {
        answer.problem(*status, code);
        assert_eq!(remaining(answer), BURST - 1 - index as u64, "{code}");
    }
    let last = send(&messages, text.clone()).await;
    assert_eq!((last.expect(201)["number"].as_u64(), remaining(&last)), (Some(1), 0));
    // Beyond the limit nothing is told but that, and nothing is done.
    let keyed = system.ingest("POST", &messages).header("X-Forwarded-For", "203.0.113.2").header("Idempotency-Key", "k");
    let refused = [
        keyed.json(text.clone()).send().await,
        send(&chats, json!({})).await,
        send(unknown, json!({})).await,
        send(&messages, json!({ "body": 1 })).await,
        send("/nowhere", json!({})).await,
    ];
    for answer in &refused {
        answer.problem(429, "rate_limited");
        assert_eq!(answer.header("ratelimit-policy"), Some("\"creates\";q=1;w=60"));
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(answer.header("ratelimit"), Some(format!("\"creates\";r=0;t={wait}").as_str()));
    }
    // The refused create's key is nobody's yet, and no number is missing.
    let keyed = system.ingest("POST", &messages).header("X-Forwarded-For", "203.0.113.1").header("Idempotency-Key", "k");
    let answer = keyed.json(json!({ "body": "another" })).send().await;
    assert_eq!((answer.expect(201)["number"].as_u64(), answer.header("idempotency-replayed")), (Some(2), None));
    assert_eq!(post(&system, "203.0.113.1", &chats, json!({})).await.expect(201)["number"], 2);
    // One that is sent again counts again.
    assert_eq!(remaining(&answer), BURST - 2);
    let keyed = system.ingest("POST", &messages).header("X-Forwarded-For", "203.0.113.1").header("Idempotency-Key", "k");
    let again = keyed.json(json!({ "body": "another" })).send().await;
    assert_eq!((again.expect(201)["number"].as_u64(), again.header("idempotency-replayed")), (Some(2), Some("true")));
    assert_eq!(remaining(&again), BURST - 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_down_no_create_is_accepted_and_malformed_ones_are_told_so_as_configured() {
    for (on_outage, malformed) in [("open", 422), ("closed", 503)] {
        let system = limited(1000).set("CHAT__RATE_LIMIT__ON_OUTAGE", on_outage).own(Server::Redis).start().await;
        let application = system.create_application("Globe").await;
        let path = format!("{}/messages", application.create_chat().await.path());
        let send = async |body: Value| post(&system, "203.0.113.1", &path, body).await;
        assert_eq!(remaining(&send(json!({ "body": "x" })).await), 999);
        system.stack().kill(Server::Redis).await.unwrap();
        for _ in 0..5 {
            let answer = send(json!({ "body": "x" })).await;
            answer.problem(503, "dependency_unavailable");
            assert_eq!(answer.header("ratelimit"), None);
            let answer = send(json!({})).await;
            assert_eq!((answer.status, answer.header("ratelimit")), (malformed, None), "{on_outage}: {}", answer.text());
        }
        system.stack().start(Server::Redis).await.unwrap();
        let accepted = async || {
            let answer = send(json!({ "body": "x" })).await;
            answer.status == 201 && answer.header("ratelimit").is_some()
        };
        eventually("creates are accepted again, and counted", TIME_TO_RECOVER, accepted).await;
    }
}
