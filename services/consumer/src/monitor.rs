//! Polls what no event tells: how much waits in the queues, before the index and for an operator, and for how long; and how old the
//! newest back-up of Redis is. Only for metrics: nothing depends on it.

use std::time::Duration;

use broker::Consumer;
use domain::Timestamp;
use events::Partition;
use metrics::gauge;
use roster::Roster;
use store::{
    Store,
    dead_letters::{self, Reason},
    outbox,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{hand_over::View, oldest::Oldest};

const INTERVAL: Duration = Duration::from_secs(5);

/// What it looks at.
pub(crate) struct Monitor {
    pub(crate) consumer: Consumer,
    pub(crate) store: Store,
    pub(crate) roster: Roster,
    pub(crate) indexer: View,
    /// Of each partition.
    pub(crate) lags: Vec<(Partition, Oldest)>,
}

impl Monitor {
    /// Polls until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut backed_up = None;
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.tell_what_is_held();
            self.look_at_queues().await;
            if let Err(error) = self.look_at_outbox().await {
                tracing::debug!(%error, "the outbox could not be measured");
            }
            if let Err(error) = self.count_dead_letters().await {
                tracing::debug!(%error, "the dead letters could not be counted");
            }
            self.look_at_backup(&mut backed_up).await;
        }
    }

    fn tell_what_is_held(&self) {
        for (partition, oldest) in &self.lags {
            if let Some(age) = oldest.age(Timestamp::now()) {
                gauge!("chat_queue_oldest_seconds", "partition" => partition.to_string()).set(age.as_secs_f64());
            }
        }
        if let Some((used, all)) = self.indexer.used() {
            gauge!("chat_index_queue_batches").set(used as f64);
            gauge!("chat_index_queue_max_batches").set(all as f64);
        }
    }

    async fn look_at_queues(&self) {
        match self.consumer.depths().await {
            Ok(depths) => {
                for depth in depths {
                    let partition = depth.partition.to_string();
                    gauge!("chat_queue_depth_messages", "partition" => partition.clone()).set(depth.messages);
                    gauge!("chat_queue_is_consumed", "partition" => partition).set(u8::from(depth.is_consumed));
                }
            }
            Err(error) => tracing::debug!(%error, "the queues could not be measured"),
        }
    }

    async fn look_at_outbox(&self) -> Result<(), store::Error> {
        let mut connection = self.store.acquire().await?;
        gauge!("chat_outbox_rows").set(outbox::depth(&mut connection).await? as f64);
        let written = outbox::oldest(&mut connection).await?;
        // Rows are dated by whoever wrote them, whose clock may be ahead.
        let age = written.map_or(0, |written| Timestamp::now().to_unix_millis() - written.to_unix_millis());
        gauge!("chat_outbox_oldest_seconds").set(age.max(0) as f64 / 1000.0);
        Ok(())
    }

    /// A Redis that has lost the note has not lost the back-up: the last that was known goes on ageing. Where nobody backs up,
    /// nothing is told.
    async fn look_at_backup(&self, last: &mut Option<Timestamp>) {
        match self.roster.backed_up_at().await {
            Ok(noted) => *last = noted.max(*last),
            Err(error) => tracing::debug!(%error, "the age of the back-up could not be looked up"),
        }
        if let Some(last) = last {
            let age = Timestamp::now().to_unix_millis() - last.to_unix_millis();
            gauge!("chat_redis_backup_age_seconds").set(age.max(0) as f64 / 1000.0);
        }
    }

    /// Every reason is told, also while there is none, so that an alert can tell "none" from "not measured".
    async fn count_dead_letters(&self) -> Result<(), store::Error> {
        let mut connection = self.store.acquire().await?;
        for reason in Reason::ALL {
            let letters = dead_letters::unresolved(&mut connection, reason, None).await?;
            gauge!("chat_dead_letters_unresolved", "reason" => reason.as_str()).set(letters as f64);
        }
        Ok(())
    }
}
