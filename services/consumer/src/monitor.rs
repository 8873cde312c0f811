//! Polls what no event tells: how much waits in the queues, in the outbox and for an operator. Only for metrics: nothing depends on it.

use std::time::Duration;

use broker::Consumer;
use store::{
    Store,
    dead_letters::{self, Reason},
    outbox,
};
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
        if let Err(error) = dead_letters(&store).await {
            tracing::debug!(%error, "the dead letters could not be counted");
        }
    }
}

async fn outbox_depth(store: &Store) -> Result<u64, store::Error> {
    outbox::depth(&mut *store.acquire().await?).await
}

/// Every reason is told, also while there is none, so that an alert can tell "none" from "not measured".
async fn dead_letters(store: &Store) -> Result<(), store::Error> {
    let mut connection = store.acquire().await?;
    for reason in Reason::ALL {
        let letters = dead_letters::unresolved(&mut connection, reason, None).await?;
        metrics::gauge!("chat_dead_letters_unresolved", "reason" => reason.as_str()).set(letters as f64);
    }
    Ok(())
}
