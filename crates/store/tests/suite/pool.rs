//! What the pool tells of itself: used, idle, waiting, refused.

use std::time::{Duration, Instant};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use store::{Error, Settings, Store, WorkerPools};
use tokio::time::sleep;

use super::support::Database;

const DEADLINE: Duration = Duration::from_secs(10);

struct Shown(PrometheusHandle);

impl Shown {
    fn value(&self, series: &str) -> u64 {
        let text = self.0.render();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
    }

    fn used_idle_waiting(&self) -> [u64; 3] {
        [
            "chat_mysql_pool_connections{state=\"used\"}",
            "chat_mysql_pool_connections{state=\"idle\"}",
            "chat_mysql_pool_waiting_requests",
        ]
        .map(|series| self.value(series))
    }

    async fn until(&self, expected: [u64; 3]) {
        let began = Instant::now();
        while self.used_idle_waiting() != expected {
            assert!(began.elapsed() < DEADLINE, "{:?} instead of {expected:?}", self.used_idle_waiting());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_pool_tells_how_much_of_it_is_used_and_who_waits() {
    let db = Database::create().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = Shown(recorder.handle());
    let settings = Settings { pool_size: 2, acquire_timeout_ms: 2_000, ..db.settings() };
    let store = metrics::with_local_recorder(&recorder, || Store::connect(&settings)).unwrap();
    assert_eq!(shown.value("chat_mysql_pool_max_connections"), 2);
    assert_eq!(shown.used_idle_waiting(), [0, 0, 0]);
    for cause in ["exhausted", "refused"] {
        assert_eq!(shown.value(&format!("chat_mysql_acquire_failures_total{{cause=\"{cause}\"}}")), 0);
    }

    let (first, second) = (store.acquire().await.unwrap(), store.acquire().await.unwrap());
    assert_eq!(shown.used_idle_waiting(), [2, 0, 0]);
    let third = tokio::spawn({
        let store = store.clone();
        async move { store.acquire().await.map(drop) }
    });
    shown.until([2, 0, 1]).await;
    assert!(matches!(third.await.unwrap(), Err(Error::PoolExhausted)));
    assert_eq!(shown.used_idle_waiting(), [2, 0, 0]);
    assert_eq!(shown.value("chat_mysql_acquire_failures_total{cause=\"exhausted\"}"), 1);
    drop(first);
    assert_eq!(shown.used_idle_waiting(), [1, 1, 0]);

    // Whoever goes away while waiting waits no more.
    let first = store.acquire().await.unwrap();
    let impatient = tokio::spawn({
        let store = store.clone();
        async move { store.acquire().await.map(drop) }
    });
    shown.until([2, 0, 1]).await;
    impatient.abort();
    shown.until([2, 0, 0]).await;
    drop((first, second));
    assert_eq!(shown.used_idle_waiting(), [0, 2, 0]);
    assert_eq!(shown.value("chat_mysql_acquire_seconds_count"), 4);
}

#[tokio::test]
async fn workers_have_connections_of_their_own_and_all_are_told_of_as_one_pool() {
    let db = Database::create().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = Shown(recorder.handle());
    let settings = Settings { pool_size: 8, acquire_timeout_ms: 100, ..db.settings() };
    let (pools, workers) = metrics::with_local_recorder(&recorder, || {
        let pools = WorkerPools::connect(&settings, 2).unwrap();
        let workers = [pools.of_worker(), pools.of_worker()];
        (pools, workers)
    });
    assert_eq!(shown.value("chat_mysql_pool_max_connections"), 8);
    let mut held = Vec::new();
    for (store, size) in [(&workers[0], 3), (&workers[1], 3), (pools.common(), 2)] {
        for _ in 0..size {
            held.push(store.acquire().await.unwrap());
        }
        assert!(matches!(store.acquire().await, Err(Error::PoolExhausted)));
    }
    assert_eq!(shown.used_idle_waiting(), [8, 0, 0]);
    held.truncate(4);
    assert_eq!(shown.used_idle_waiting(), [4, 4, 0]);
    held.clear();
    assert_eq!(shown.used_idle_waiting(), [0, 8, 0]);

    // Too few to be shared out.
    let few = WorkerPools::connect(&Settings { pool_size: 2, ..settings }, 2).unwrap();
    let _all = (few.of_worker().acquire().await.unwrap(), few.of_worker().acquire().await.unwrap());
    assert!(matches!(few.common().acquire().await, Err(Error::PoolExhausted)));
}

#[tokio::test]
async fn a_server_that_refuses_is_told_from_a_pool_that_is_exhausted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = Shown(recorder.handle());
    // Nothing listens on port 1.
    let settings = Settings::new("mysql://nobody@127.0.0.1:1/none");
    let store = metrics::with_local_recorder(&recorder, || Store::connect(&settings)).unwrap();
    assert!(store.acquire().await.is_err());
    assert_eq!(shown.value("chat_mysql_acquire_failures_total{cause=\"refused\"}"), 1);
    assert_eq!(shown.used_idle_waiting(), [0, 0, 0]);
}
