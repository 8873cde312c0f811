//! Polls what no event tells: how much waits in the queues and in the outbox. Only for metrics: nothing depends on it.

use std::time::Duration;

use broker::Consumer;
use store::{Store, outbox};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

const INTERVAL: Duration = Duration::from_secs(5);

/// Polls until `stop`.
pub(crate) async fn run(consumer: Consumer, store: Store, stop: CancellationToken) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match consumer.depths().await {
            Ok(depths) => {
                for depth in depths {
                    let partition = depth.partition.to_string();
                    metrics::gauge!("chat_queue_depth_messages", "partition" => partition.clone()).set(depth.messages);
                    metrics::gauge!("chat_queue_is_consumed", "partition" => partition).set(u8::from(depth.is_consumed));
                }
            }
            Err(error) => tracing::debug!(%error, "the queues could not be measured"),
        }
        match outbox_depth(&store).await {
            Ok(rows) => metrics::gauge!("chat_outbox_rows").set(rows as f64),
            Err(error) => tracing::debug!(%error, "the outbox could not be measured"),
        }
    }
}

async fn outbox_depth(store: &Store) -> Result<u64, store::Error> {
    outbox::depth(&mut *store.acquire().await?).await
}
