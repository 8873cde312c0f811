//! What a publisher counts. Alone in its process, because the recorder is the process's.

// Helpers of tests may fail a test as the tests themselves do; not all of them are needed here.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "broker/support.rs"]
mod support;

use broker::PublishError;
use events::Epoch;
use futures_util::future::join_all;
use metrics_exporter_prometheus::PrometheusBuilder;

use support::{System, item, soon};

#[tokio::test(flavor = "multi_thread")]
async fn publishes_confirms_and_returns_are_counted() {
    let recorder = PrometheusBuilder::new().install_recorder().unwrap();
    let system = System::new();
    let publisher = system.publisher().await;
    let publishes = (1..=1_000).map(|number| publisher.publish(Epoch::new(1), system.partition(0), item(number), soon()));
    assert!(join_all(publishes).await.iter().all(Result::is_ok));
    let returned = publisher.publish(Epoch::new(2), system.partition(0), item(1_001), soon()).await;
    assert_eq!(returned, Err(PublishError::Returned));
    let messages = system.stored(system.partition(0)).await.len();

    let text = recorder.render();
    let value = |name: &str| -> usize {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    };
    assert_eq!(value("chat_publishes_total"), messages + 1);
    assert_eq!(value("chat_publish_items_sum"), 1_001);
    assert_eq!(value("chat_publish_seconds_count"), messages);
    assert_eq!(value("chat_publishes_returned_total"), 1);
    assert_eq!(value("chat_publish_queue_items"), 0);
    assert_eq!(value("chat_broker_up{connection=\"publisher\"}"), 1);
    assert_eq!(value("chat_broker_connects_total{connection=\"publisher\"}"), 1);
}
