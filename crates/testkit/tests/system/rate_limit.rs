//! Rate limits over several replicas: whose requests share a limit, and what is told to who is over it.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Answer, Builder, Server, Service, System, eventually};

const LIMIT: usize = 100;
const REQUESTS: usize = 150;

/// Two replicas of both HTTP services, behind what counts as a trusted proxy.
fn limited(per_minute: usize) -> Builder {
    System::builder()
        .replicas(Service::Api, 2)
        .replicas(Service::Ingest, 2)
        .set("RATE_LIMIT_PER_MINUTE", per_minute)
        .set("CHAT__RATE_LIMIT__TRUSTED_PROXIES", "127.0.0.0/8")
        // A busy machine must not look like an outage, in which requests pass.
        .set("CHAT__RATE_LIMIT__TIMEOUT_MS", 2000)
}

/// A request of this client, as the proxy passes it on.
async fn from(system: &System, client: &str, service: Service, method: &str, path: &str) -> Answer {
    let ask = system.ask(service, method, path).header("X-Forwarded-For", client);
    if method == "POST" { ask.json(json!({ "body": "x", "name": "x" })) } else { ask }.send().await
}

/// What comes due in the meantime, at the most.
fn due(began: Instant) -> usize {
    1 + (began.elapsed().as_millis() / 600) as usize
}

/// Sends so many requests at once and counts those that pass; each answer must say what it ought to.
async fn passed(system: &System, client: &str, service: Service, method: &str, path: &str, count: usize) -> usize {
    let all = (0..count).map(|_| from(system, client, service, method, path));
    let answers = futures_util::future::join_all(all).await;
    for answer in &answers {
        assert_eq!(answer.header("ratelimit-policy"), Some(format!("\"requests\";q={LIMIT};w=60").as_str()), "{}", answer.text());
        let field = answer.header("ratelimit").unwrap_or_else(|| panic!("no RateLimit: {}", answer.text()));
        let parameters: Vec<&str> = field.split(';').collect();
        assert!(parameters.len() == 3 && parameters[0] == "\"requests\"" && parameters[1].starts_with("r="), "{field}");
        // At 100 a minute the next one comes due within 600 ms.
        assert_eq!(parameters[2], "t=1");
        if answer.status == 429 {
            answer.problem(429, "rate_limited");
            assert_eq!((parameters[1], answer.header("retry-after")), ("r=0", Some("1")));
        }
    }
    answers.iter().filter(|answer| answer.status != 429).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_a_clients_limit_and_clients_do_not() {
    let system = limited(LIMIT).start().await;
    // The test's own requests bear no client: the proxy itself is one.
    let application = system.create_application("Globe").await;
    application.create_chat().await;
    let chats = format!("{}/chats", application.path());
    let messages = format!("{chats}/1/messages");

    let began = Instant::now();
    let created = passed(&system, "203.0.113.1", Service::Ingest, "POST", &messages, REQUESTS).await;
    assert!((LIMIT..=LIMIT + due(began)).contains(&created), "{created} creates of {REQUESTS} passed");
    let began = Instant::now();
    let read = passed(&system, "203.0.113.2", Service::Api, "GET", &chats, REQUESTS).await;
    assert!((LIMIT..=LIMIT + due(began)).contains(&read), "{read} reads of {REQUESTS} passed");
    // One limit for both services …
    let began = Instant::now();
    let both = passed(&system, "203.0.113.3", Service::Api, "GET", &chats, 60).await
        + passed(&system, "203.0.113.3", Service::Ingest, "POST", &messages, 60).await;
    assert!((LIMIT..=LIMIT + due(began)).contains(&both), "{both} requests of 120 passed");
    // … and others have theirs; of an IPv6 address its /64.
    assert_eq!(passed(&system, "203.0.113.4", Service::Ingest, "POST", &messages, 50).await, 50);
    let began = Instant::now();
    let first = passed(&system, "2001:db8::1", Service::Api, "GET", &chats, 60).await;
    let second = passed(&system, "2001:db8::2", Service::Api, "GET", &chats, 60).await;
    assert!((LIMIT..=LIMIT + due(began)).contains(&(first + second)), "{first} and {second} passed");
    // What a client writes itself stands left of what the proxy appends, and helps nobody.
    let spoofed = passed(&system, "203.0.113.99, 203.0.113.1", Service::Api, "GET", &chats, 50).await;
    assert!(spoofed < 25, "{spoofed} passed under a made-up address");

    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = from(&system, "203.0.113.1", Service::Api, "GET", path).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, None), "{path}");
    }
    let metrics = from(&system, "203.0.113.1", Service::Ingest, "GET", "/metrics").await.text();
    assert!(metrics.contains(r#"chat_rate_limit_requests_total{policy="requests",outcome="refused"}"#), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_proxy_is_not_believed_about_its_address() {
    let system = System::builder()
        .set("RATE_LIMIT_PER_MINUTE", 10)
        .set("CHAT__RATE_LIMIT__TRUSTED_PROXIES", "10.0.0.0/8")
        .set("CHAT__RATE_LIMIT__TIMEOUT_MS", 2000)
        .start()
        .await;
    let mut statuses = Vec::new();
    for host in 1..=15 {
        let client = format!("203.0.113.{host}");
        let answer =
            system.api("GET", "/applications").header("X-Forwarded-For", &client).header("Forwarded", &format!("for={client}"));
        statuses.push(answer.send().await.status);
    }
    assert_eq!(statuses[..10], [200; 10], "{statuses:?}");
    assert!(statuses[10..].contains(&429), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_down_reads_pass_or_are_refused_as_configured() {
    for (on_outage, status) in [("open", 200), ("closed", 503)] {
        let system = System::builder()
            .own(Server::Redis)
            .set("CHAT__RATE_LIMIT__READS_PER_MINUTE", 1000)
            .set("CHAT__RATE_LIMIT__ON_OUTAGE", on_outage)
            .start()
            .await;
        let application = system.create_application("Globe").await;
        let limited = async || application.read().await.header("ratelimit").is_some();
        assert!(limited().await, "reads are limited");
        system.stack().kill(Server::Redis).await.unwrap();
        for _ in 0..10 {
            let answer = application.read().await;
            assert_eq!((answer.status, answer.header("ratelimit")), (status, None), "{on_outage}: {}", answer.text());
            assert!(answer.took < Duration::from_secs(1), "{:?}", answer.took);
            if status == 503 {
                answer.problem(503, "dependency_unavailable");
            }
        }
        assert_eq!(system.api("GET", "/healthz").send().await.status, 200);
        system.stack().start(Server::Redis).await.unwrap();
        eventually("reads are limited again", Duration::from_secs(10), limited).await;
    }
}
