//! Limits over a real Redis: how many requests pass, what their answers say, and what becomes of them while Redis is away.
#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use actix_web::{
    App,
    dev::Service,
    http::{Method, StatusCode},
    test::{TestRequest, init_service},
    web,
};
use deadpool_redis::redis::{Client, aio::MultiplexedConnection, cmd};
use devstack::{Quiet, Server, Stack, StackOptions};
use ratelimit::{OnOutage, ProxyHeader, RateLimit, Settings};
use redislink::{Place, Primary};

const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// What the clock of a busy machine may add to a deadline.
const SLACK: Duration = Duration::from_millis(400);

fn settings(per_minute: u32) -> Settings {
    Settings {
        per_minute,
        reads_per_minute: 0,
        creates_per_minute: 0,
        burst: 0,
        trusted_proxies: String::new().try_into().unwrap(),
        proxy_header: ProxyHeader::XForwardedFor,
        on_outage: OnOutage::Closed,
        timeout_ms: 2000,
    }
}

fn shared_redis() -> String {
    std::env::var("REDIS_URL").unwrap_or_else(|_| {
        panic!("REDIS_URL is not set: run the tests with `make test`, which starts the servers and says where they are")
    })
}

/// Keys that no other test has. They go by themselves, within a minute of the last request.
fn prefix() -> String {
    format!("test-{}:", uuid::Uuid::now_v7())
}

async fn start(settings: &Settings, url: &str, key_prefix: &str) -> RateLimit {
    let primary = Primary::at(url).unwrap();
    RateLimit::start(settings, Place { primary, key_prefix, connect_timeout: CONNECT_TIMEOUT }).await.unwrap()
}

/// A service whose only route is limited, beside one that is not: sends it a request from a peer.
async fn replica(limit: RateLimit) -> impl AsyncFn(TestRequest, &str) -> Answer {
    let routes = move |config: &mut web::ServiceConfig| {
        config.route("/healthz", web::get().to(async || "alive"));
        limit.around(config, |config| {
            config.route("/things", web::route().to(async || "thing"));
        });
    };
    let service = init_service(App::new().configure(routes)).await;
    async move |request: TestRequest, peer: &str| {
        let peer: SocketAddr = peer.parse().unwrap();
        let answer = service.call(request.peer_addr(peer).to_request()).await.unwrap();
        let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        Answer {
            status: answer.status(),
            policy: header("ratelimit-policy"),
            limit: header("ratelimit"),
            retry_after: header("retry-after").map(|seconds| seconds.parse().unwrap()),
        }
    }
}

struct Answer {
    status: StatusCode,
    policy: Option<String>,
    limit: Option<String>,
    retry_after: Option<u64>,
}

impl Answer {
    fn parameter(&self, name: &str) -> u64 {
        let field = self.limit.as_ref().unwrap();
        let value = field.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("no {name} in {field}")).parse().unwrap()
    }
}

async fn get(service: &impl AsyncFn(TestRequest, &str) -> Answer, peer: &str) -> Answer {
    service(TestRequest::get().uri("/things"), peer).await
}

#[actix_web::test]
async fn a_burst_passes_at_once_and_then_one_request_each_interval() {
    // One a second, so that none comes due while the burst is sent, unless the machine stands still.
    let settings = Settings { burst: 5, ..settings(60) };
    let prefix = prefix();
    let limits = (start(&settings, &shared_redis(), &prefix).await, start(&settings, &shared_redis(), &prefix).await);
    let replicas = (replica(limits.0).await, replica(limits.1).await);
    let began = Instant::now();
    let mut passed = 0;
    loop {
        let answer = if passed % 2 == 0 { get(&replicas.0, "192.0.2.1:1").await } else { get(&replicas.1, "192.0.2.1:2").await };
        assert_eq!(answer.policy.as_deref(), Some("\"requests\";q=60;w=60"));
        assert!(answer.limit.as_ref().unwrap().starts_with("\"requests\";r="), "{:?}", answer.limit);
        let came_due = began.elapsed().as_secs();
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!((answer.parameter("r"), answer.parameter("t"), answer.retry_after), (0, 1, Some(1)));
            break;
        }
        passed += 1;
        assert_eq!((answer.status, answer.retry_after), (StatusCode::OK, None));
        assert!((5 - passed..=5 - passed + came_due).contains(&answer.parameter("r")), "{:?} after {passed}", answer.limit);
    }
    assert!((5..=5 + began.elapsed().as_secs()).contains(&passed), "{passed}");
    // Another client is not concerned, nor is who is told to wait and does.
    assert_eq!(get(&replicas.0, "192.0.2.2:1").await.status, StatusCode::OK);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(get(&replicas.1, "192.0.2.1:1").await.status, StatusCode::OK);
}

#[actix_web::test]
async fn kinds_have_limits_of_their_own_and_health_has_none() {
    let settings = Settings { reads_per_minute: 2, creates_per_minute: 1, ..settings(0) };
    let service = replica(start(&settings, &shared_redis(), &prefix()).await).await;
    let peer = "[2001:db8::1]:1";
    let send = async |method| service(TestRequest::with_uri("/things").method(method), peer).await;
    for (method, status, policy) in [
        (Method::POST, 200, "\"creates\";q=1;w=60"),
        (Method::POST, 429, "\"creates\";q=1;w=60"),
        (Method::GET, 200, "\"reads\";q=2;w=60"),
        (Method::PATCH, 200, "\"reads\";q=2;w=60"),
        (Method::HEAD, 429, "\"reads\";q=2;w=60"),
    ] {
        let answer = send(method).await;
        assert_eq!((answer.status.as_u16(), answer.policy.as_deref()), (status, Some(policy)));
    }
    // The same /64 is the same client; unknown paths count as well.
    assert_eq!(get(&service, "[2001:db8::ffff:1]:9").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(service(TestRequest::get().uri("/nowhere"), peer).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(get(&service, "[2001:db8:0:1::1]:9").await.status, StatusCode::OK);
    for _ in 0..5 {
        let health = service(TestRequest::get().uri("/healthz"), peer).await;
        assert_eq!((health.status, health.policy, health.limit), (StatusCode::OK, None, None));
    }
}

#[actix_web::test]
async fn keys_expire_when_they_say_nothing_any_more() {
    let prefix = prefix();
    let service = replica(start(&settings(600), &shared_redis(), &prefix).await).await;
    get(&service, "192.0.2.1:1").await;
    let mut connection = Client::open(shared_redis()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let key = format!("{prefix}limit:requests:192.0.2.1");
    // One request at 600 a minute is forgotten after 100 ms.
    let left: i64 = cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
    assert!(left <= 100 && left != -1, "{left}");
    let began = Instant::now();
    while cmd("EXISTS").arg(&key).query_async::<bool>(&mut connection).await.unwrap() {
        assert!(began.elapsed() < Duration::from_secs(5), "{key} is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[actix_web::test]
async fn a_clock_that_was_set_back_locks_nobody_out() {
    let prefix = prefix();
    let service = replica(start(&settings(600), &shared_redis(), &prefix).await).await;
    let mut connection = Client::open(shared_redis()).unwrap().get_multiplexed_async_connection().await.unwrap();
    // A theoretical arrival time of the year 2100.
    let key = format!("{prefix}limit:requests:192.0.2.1");
    () = cmd("SET").arg(&key).arg("4102444800000000").arg("PX").arg(60_000).query_async(&mut connection).await.unwrap();
    let answer = get(&service, "192.0.2.1:1").await;
    assert_eq!((answer.status, answer.parameter("r"), answer.retry_after), (StatusCode::TOO_MANY_REQUESTS, 0, Some(1)));
    // Who waits as long as it is told passes.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(get(&service, "192.0.2.1:1").await.status, StatusCode::OK);
}

#[actix_web::test]
async fn without_limits_nothing_is_connected_and_nothing_said() {
    let service = replica(start(&settings(0), "redis://127.0.0.1:1", "x:").await).await;
    let answer = get(&service, "192.0.2.1:1").await;
    assert_eq!((answer.status, answer.policy, answer.limit), (StatusCode::OK, None, None));
}

#[actix_web::test]
async fn settings_that_cannot_work_are_refused() {
    for settings in [settings(600_001), Settings { timeout_ms: 0, ..settings(1) }] {
        let primary = Primary::at("redis://localhost").unwrap();
        let place = Place { primary, key_prefix: "x:", connect_timeout: CONNECT_TIMEOUT };
        assert!(RateLimit::start(&settings, place).await.is_err(), "{settings:?} is accepted");
    }
}

#[actix_web::test]
async fn while_redis_is_away_the_settings_decide_and_nobody_waits() {
    let stack = Stack::up(StackOptions::only([Server::Redis]), &Quiet).await.unwrap();
    let url = stack.urls().redis.clone();
    let timeout_ms = 100;
    let (open, closed) = (
        Settings { on_outage: OnOutage::Open, timeout_ms, ..settings(100) },
        Settings { on_outage: OnOutage::Closed, timeout_ms, ..settings(100) },
    );
    let (open, closed) = (start(&open, &url, "x:").await, start(&closed, &url, "x:").await);
    let (open, closed) = (replica(open).await, replica(closed).await);
    let peer = "192.0.2.1:1";

    for outage in ["paused", "killed"] {
        for service in [&open, &closed] {
            let began = Instant::now();
            while get(service, peer).await.limit.is_none() {
                assert!(began.elapsed() < Duration::from_secs(10), "limits are not back before Redis is {outage}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        match outage {
            "paused" => stack.pause(Server::Redis).unwrap(),
            _ => stack.kill(Server::Redis).await.unwrap(),
        }
        for _ in 0..20 {
            let began = Instant::now();
            let (open, closed) = (get(&open, peer).await, get(&closed, peer).await);
            assert!(began.elapsed() < Duration::from_millis(2 * timeout_ms) + SLACK, "{outage}: {:?}", began.elapsed());
            assert_eq!((open.status, open.limit, open.retry_after), (StatusCode::OK, None, None), "{outage}");
            assert_eq!(
                (closed.status, closed.limit, closed.retry_after),
                (StatusCode::SERVICE_UNAVAILABLE, None, Some(1)),
                "{outage}"
            );
        }
        if outage == "paused" {
            stack.resume(Server::Redis).unwrap();
        }
    }
}

/// How many connections were ever made to it.
async fn connections(operator: &mut MultiplexedConnection) -> u64 {
    let stats: String = cmd("INFO").arg("stats").query_async(operator).await.unwrap();
    let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:")).unwrap();
    line.trim().parse().unwrap()
}

#[actix_web::test]
async fn a_redis_that_answers_and_cannot_count_is_not_connected_to_again_and_again() {
    let stack = Stack::up(StackOptions::only([Server::Redis]), &Quiet).await.unwrap();
    let url = stack.urls().redis.clone();
    let service = replica(start(&settings(100), &url, "x:").await).await;
    let peer = "192.0.2.1:1";
    let counted = async || get(&service, peer).await.limit.is_some();
    assert!(counted().await);
    let mut operator = Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();

    // Full: every script that may write is refused.
    () = cmd("CONFIG").arg(&["SET", "maxmemory", "1"]).query_async(&mut operator).await.unwrap();
    let before = connections(&mut operator).await;
    for _ in 0..100 {
        assert_eq!(get(&service, peer).await.status, StatusCode::SERVICE_UNAVAILABLE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(connections(&mut operator).await, before);
    () = cmd("CONFIG").arg(&["SET", "maxmemory", "0"]).query_async(&mut operator).await.unwrap();
    assert!(counted().await, "the connection was of use all the time");

    // A replica is given up, and is not lent while it is one.
    () = cmd("REPLICAOF").arg(&["127.0.0.1", "1"]).query_async(&mut operator).await.unwrap();
    assert_eq!(get(&service, peer).await.status, StatusCode::SERVICE_UNAVAILABLE);
    () = cmd("REPLICAOF").arg(&["NO", "ONE"]).query_async(&mut operator).await.unwrap();
    let began = Instant::now();
    while !counted().await {
        assert!(began.elapsed() < Duration::from_secs(10), "a primary again, and not counted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The server drops what it was doing for a connection that is reset, wherever that stands.
#[actix_web::test]
async fn a_create_that_is_broken_off_before_its_charge_counts_like_any_other() {
    let prefix = prefix();
    let limit = start(&settings(1), &shared_redis(), &prefix).await.deferring_creates();
    let routes = move |config: &mut web::ServiceConfig| {
        limit.around(config, |config| {
            config.route("/lasting", web::post().to(async || std::future::pending::<&'static str>().await));
            config.route("/things", web::post().to(async || "thing"));
        });
    };
    let service = init_service(App::new().configure(routes)).await;
    let peer: SocketAddr = "192.0.2.1:1".parse().unwrap();
    let create = |path| service.call(TestRequest::post().uri(path).peer_addr(peer).to_request());
    let begun = tokio::time::timeout(Duration::from_millis(100), create("/lasting")).await;
    assert!(begun.is_err(), "its handler lasts");

    let mut connection = Client::open(shared_redis()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let key = format!("{prefix}limit:requests:192.0.2.1");
    let began = Instant::now();
    while !cmd("EXISTS").arg(&key).query_async::<bool>(&mut connection).await.unwrap() {
        assert!(began.elapsed() < Duration::from_secs(10), "it was not counted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // It was the only one of this minute.
    assert_eq!(create("/things").await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
}
