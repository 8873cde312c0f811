//! Links whose primary Sentinels tell of: real ones, with a Redis and a replica of the test's own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool_redis::redis::{AsyncConnectionConfig, Client, FromRedisValue, aio::MultiplexedConnection, cmd};
use devstack::{Quiet, SentinelOptions, Sentinels, Server, Stack, StackOptions};
use redislink::{Failure, Greeting, Link, Primary};
use tokio::time::{sleep, timeout};

/// What an answer may take on a busy machine. A link that waits for something else would wait for ever.
const ANSWER: Duration = Duration::from_secs(5);
const FAILOVER: Duration = Duration::from_secs(60);
/// Three times what one Sentinel may keep a connection waiting, and what the clock of a busy machine may add.
const ALL_SENTINELS: Duration = Duration::from_millis(750 + 1_000);
const FOR_EVER: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_link_follows_the_primary_to_where_the_sentinels_have_moved_it() {
    let (first, second) = (redis().await, redis().await);
    follow(&second, &first).await;
    let sentinels = Sentinels::up(&SentinelOptions { replicas: 1, ..SentinelOptions::over(&first) }, &Quiet).await.unwrap();
    let (link, _) = link(&primary(&sentinels, None));
    assert_eq!(*link.lent().await.unwrap(), run_id(&first).await);

    let promoted = run_id(&second).await;
    first.kill(Server::Redis).await.unwrap();
    until(FAILOVER, || link.now().is_some_and(|lent| *lent == promoted)).await;
}

#[tokio::test]
async fn nothing_is_asked_of_a_replica_though_the_sentinels_tell_of_it_and_a_demoted_primary_is_given_up() {
    let redis = redis().await;
    let sentinels =
        Sentinels::up(&SentinelOptions { down_after: FOR_EVER, ..SentinelOptions::over(&redis) }, &Quiet).await.unwrap();
    let (held, _) = link(&primary(&sentinels, None));
    held.lent().await.unwrap();

    // Of a primary that is never found. The Sentinels go on telling of it, and no connection is closed.
    tell(&redis, &["REPLICAOF", "127.0.0.1", "1"]).await;
    until(ANSWER, || held.now().is_none()).await;
    let (refused, greetings) = link(&primary(&sentinels, None));
    let outage = refused.lent().await.unwrap_err();
    assert!(matches!(outage.0, Failure::Replica), "{outage}");
    assert_eq!(greetings.load(Ordering::Relaxed), 0);

    tell(&redis, &["REPLICAOF", "NO", "ONE"]).await;
    until(ANSWER, || held.now().is_some() && refused.now().is_some()).await;
}

#[tokio::test]
async fn sentinels_that_hang_are_passed_over_in_time() {
    let redis = redis().await;
    let options = SentinelOptions { password: Some("sesame".into()), ..SentinelOptions::over(&redis) };
    let sentinels = Sentinels::up(&options, &Quiet).await.unwrap();
    let connect = async |primary: &Primary| {
        let began = Instant::now();
        let connected = timeout(ANSWER, primary.connect(&AsyncConnectionConfig::new(), ANSWER, ANSWER)).await;
        (connected.unwrap_or(Err(Failure::TimedOut)), began.elapsed())
    };
    let stranger = connect(&primary(&sentinels, None)).await.0.map(drop).unwrap_err();
    assert!(format!("{stranger:?}").contains("wants a password"), "{stranger:?}");
    let wrong = connect(&primary(&sentinels, Some("wrong"))).await.0.map(drop).unwrap_err();
    assert!(format!("{wrong:?}").contains("refuses the password"), "{wrong:?}");

    let primary = primary(&sentinels, Some("sesame"));
    for number in 0..2 {
        sentinels.pause(number).unwrap();
    }
    let (connected, took) = connect(&primary).await;
    assert!(connected.is_ok() && took < ALL_SENTINELS, "{took:?}");
    // The one that answered is asked first from now on.
    let (connected, took) = connect(&primary).await;
    assert!(connected.is_ok() && took < Duration::from_millis(500), "{took:?}");
    sentinels.pause(2).unwrap();
    let (refused, took) = connect(&primary).await;
    let refused = format!("{:?}", refused.map(drop).unwrap_err());
    assert!(refused.matches("does not answer").count() == 3 && took < ALL_SENTINELS, "{took:?} {refused}");
}

/// Where these Sentinels say that the primary is. What the URL says of the place does not count.
fn primary(sentinels: &Sentinels, password: Option<&str>) -> Primary {
    let list = sentinels.addresses().join(",");
    let settings = redislink::Sentinels::from_settings(&list, Sentinels::MASTER, password).unwrap().unwrap();
    Primary::at("redis://127.0.0.1:1").unwrap().told_by(settings)
}

/// Asks who is there and does not care for its role; counts how often it asked.
struct Who(Arc<AtomicUsize>);

#[derive(Debug, Clone)]
struct Outage(Failure);

impl Greeting for Who {
    type Peer = String;
    type Outage = Outage;

    async fn greet(&self, connection: MultiplexedConnection) -> Result<String, Outage> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(id(&ask::<String>(connection, &["INFO", "server"]).await))
    }
}

impl From<Failure> for Outage {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl std::error::Error for Outage {}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

fn link(primary: &Primary) -> (Link<Who>, Arc<AtomicUsize>) {
    let greetings = Arc::new(AtomicUsize::new(0));
    let settings = redislink::Settings {
        purpose: "a test",
        gauge: "connected",
        connect_timeout: Duration::from_secs(1),
        greeting_timeout: Duration::from_secs(1),
    };
    (Link::start(primary.clone(), Who(greetings.clone()), settings), greetings)
}

async fn redis() -> Stack {
    Stack::up(StackOptions::only([Server::Redis]), &Quiet).await.unwrap()
}

fn port(redis: &Stack) -> u16 {
    redis.urls().redis.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap()
}

/// Makes one the replica of another and waits until it has all its data.
async fn follow(replica: &Stack, primary: &Stack) {
    tell(primary, &["CONFIG", "SET", "repl-diskless-sync-delay", "0"]).await;
    tell(replica, &["REPLICAOF", "127.0.0.1", &port(primary).to_string()]).await;
    let began = Instant::now();
    while !ask::<String>(plain(replica).await, &["INFO", "replication"]).await.contains("master_link_status:up") {
        assert!(began.elapsed() < FAILOVER, "the replica does not catch up");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn run_id(redis: &Stack) -> String {
    id(&ask::<String>(plain(redis).await, &["INFO", "server"]).await)
}

fn id(info: &str) -> String {
    info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap().trim_end().to_owned()
}

async fn plain(redis: &Stack) -> MultiplexedConnection {
    let patient = AsyncConnectionConfig::new().set_connection_timeout(Some(ANSWER)).set_response_timeout(Some(ANSWER));
    let client = Client::open(redis.urls().redis.as_str()).unwrap();
    client.get_multiplexed_async_connection_with_config(&patient).await.unwrap()
}

async fn tell(redis: &Stack, words: &[&str]) {
    ask::<()>(plain(redis).await, words).await;
}

async fn ask<T: FromRedisValue>(mut connection: MultiplexedConnection, words: &[&str]) -> T {
    cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await.unwrap()
}

async fn until(limit: Duration, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < limit, "not within {limit:?}");
        sleep(Duration::from_millis(10)).await;
    }
}
