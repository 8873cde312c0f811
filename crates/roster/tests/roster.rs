//! The list of replicas on a real Redis: who is in it, for how long, and who takes up a wish.
#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::time::{Duration, Instant};

use deadpool_redis::redis::{Client, FromRedisValue, cmd};
use domain::Timestamp;
use redislink::Primary;
use roster::{Heard, Own, Roster, Status, Wishes};
use service::telemetry::Figures;

/// A list of one test's own on the Redis that all tests share.
struct World {
    url: String,
    prefix: String,
    roster: Roster,
}

impl World {
    fn new() -> Self {
        let url = std::env::var("REDIS_URL").unwrap_or_else(|_| panic!("REDIS_URL is not set: run the tests with `make test`"));
        let prefix = format!("test-{}:", uuid::Uuid::new_v4().simple());
        let roster = Roster::connect(Primary::at(&url).unwrap(), &prefix);
        Self { url, prefix, roster }
    }

    fn operate<T: FromRedisValue>(&self, command: &str, key: &str, arguments: &[&str]) -> T {
        let mut connection = Client::open(self.url.as_str()).unwrap().get_connection().unwrap();
        cmd(command).arg(format!("{}{key}", self.prefix)).arg(arguments).query(&mut connection).unwrap()
    }

    async fn instances(&self) -> Vec<String> {
        let mut seen: Vec<_> =
            self.roster.look().await.unwrap().replicas.into_iter().map(|alive| alive.status.instance).collect();
        seen.sort();
        seen
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for key in ["roster", "roster:reports", "roster:count", "roster:watched", "backup"] {
            self.operate::<u64>("DEL", key, &[]);
        }
    }
}

fn status(service: &str, instance: &str) -> Status {
    Status {
        service: service.to_owned(),
        instance: instance.to_owned(),
        place: "one:1".to_owned(),
        version: "1.2.3".to_owned(),
        started_at: Timestamp::now(),
        uptime_ms: 1,
        figures: Some(Figures { values: [("chat_x".to_owned(), 2.5)].into(), ..Figures::default() }),
        own: Own::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reports_is_seen_until_it_leaves_or_falls_silent() {
    let world = World::new();
    let (first, second) = (status("ingest", "a"), status("consumer", "b"));
    let heard = |is_watched| Heard { count_now: false, is_watched };
    assert_eq!(world.roster.report(&first, Wishes::Ignored).await.unwrap(), heard(false));
    assert_eq!(world.instances().await, ["a"]);
    for report in [&second, &Status { uptime_ms: 7, ..first.clone() }] {
        assert_eq!(world.roster.report(report, Wishes::Ignored).await.unwrap(), heard(true));
    }
    let seen = world.roster.look().await.unwrap();
    let of_first = seen.replicas.iter().find(|alive| alive.status.instance == "a").unwrap();
    assert_eq!((seen.replicas.len(), &of_first.status), (2, &Status { uptime_ms: 7, ..first.clone() }));
    assert!(of_first.silent_for < Duration::from_secs(10));

    world.roster.leave("a").await.unwrap();
    assert_eq!(world.instances().await, ["b"]);

    // As if it had reported ten seconds ago: it is not shown, and the next report of any other forgets it.
    world.operate::<u64>("ZADD", "roster", &["1", "b"]);
    assert!(world.instances().await.is_empty());
    world.roster.report(&first, Wishes::Ignored).await.unwrap();
    assert_eq!(world.instances().await, ["a"]);
    assert_eq!(world.operate::<Vec<String>>("HKEYS", "roster:reports", &[]), ["a"]);
    for key in ["roster", "roster:reports", "roster:watched"] {
        let left = world.operate::<i64>("PTTL", key, &[]);
        assert!((1..=10_000).contains(&left), "{key} expires in {left} ms");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_set_back_keeps_no_dead_replica_alive() {
    let world = World::new();
    world.roster.report(&status("api", "dead"), Wishes::Ignored).await.unwrap();
    // As if it had reported before the clock was set back by an hour or more.
    world.operate::<u64>("ZADD", "roster", &["4102444800000", "dead"]);
    world.roster.report(&status("api", "a"), Wishes::Ignored).await.unwrap();
    assert_eq!(world.instances().await, ["a"]);
    assert_eq!(world.operate::<Vec<String>>("HKEYS", "roster:reports", &[]), ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_cannot_be_read_hides_no_other() {
    let world = World::new();
    world.roster.report(&status("api", "a"), Wishes::Ignored).await.unwrap();
    world.roster.report(&status("api", "b"), Wishes::Ignored).await.unwrap();
    world.operate::<u64>("HSET", "roster:reports", &["a", "{\"service\":7}"]);
    assert_eq!(world.instances().await, ["b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_consumer_takes_up_a_wish_and_no_other_service_does() {
    let world = World::new();
    world.roster.ask_to_count().await.unwrap();
    world.roster.ask_to_count().await.unwrap();
    assert!(world.roster.look().await.unwrap().count_is_wanted);
    let left = world.operate::<i64>("PTTL", "roster:count", &[]);
    assert!((1..=60_000).contains(&left), "the wish expires in {left} ms");
    let (one, two) = (status("consumer", "b"), status("consumer", "c"));
    let told = async |report: &Status, wishes| world.roster.report(report, wishes).await.unwrap().count_now;
    assert!(!told(&status("ingest", "a"), Wishes::Ignored).await);
    assert!(told(&one, Wishes::Awaited).await);
    assert!(!told(&two, Wishes::Awaited).await);
    // The answer may not have arrived: whoever does not say that it has begun is told again.
    assert!(told(&one, Wishes::Awaited).await);
    assert!(world.roster.look().await.unwrap().count_is_wanted);
    assert!(!told(&one, Wishes::Begun).await);
    assert!(!world.roster.look().await.unwrap().count_is_wanted);
    assert!(!told(&two, Wishes::Awaited).await && !told(&one, Wishes::Awaited).await);
    // One that came meanwhile is another.
    world.roster.ask_to_count().await.unwrap();
    assert!(told(&one, Wishes::Begun).await);
    // Who has taken it up and is gone has not counted.
    world.roster.leave("b").await.unwrap();
    assert!(told(&two, Wishes::Awaited).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_every_call_fails_soon() {
    // Nobody listens on the port of a listener that is gone.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let roster = Roster::connect(Primary::at(&format!("redis://127.0.0.1:{port}")).unwrap(), "test:");
    let began = Instant::now();
    assert!(roster.report(&status("api", "a"), Wishes::Ignored).await.is_err());
    assert!(roster.look().await.is_err() && roster.ask_to_count().await.is_err() && roster.leave("a").await.is_err());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn when_redis_was_backed_up_is_what_was_noted() {
    let world = World::new();
    assert_eq!(world.roster.backed_up_at().await.unwrap(), None);
    world.operate::<()>("SET", "backup", &["1700000000"]);
    let noted = Timestamp::from_unix_millis(1_700_000_000_000).unwrap();
    assert_eq!(world.roster.backed_up_at().await.unwrap(), Some(noted));
    for nothing in ["", "yesterday", "9223372036854775807"] {
        world.operate::<()>("SET", "backup", &[nothing]);
        assert_eq!(world.roster.backed_up_at().await.unwrap(), None, "{nothing}");
    }
}
