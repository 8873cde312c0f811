//! The consumer's configuration: one field for each section that it uses. Whatever cannot work is refused here, before anything
//! is started.

use std::{num::NonZeroU16, time::Duration};

use backoff::Bounds;
use serde::Deserialize;

use crate::{Error, batch::Limits};

/// The admin port unless configured otherwise.
pub const DEFAULT_PORT: u16 = 9090;

/// The consumer's configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// The admin port: health and metrics.
    pub http: service::http::Settings,
    /// The tables.
    pub mysql: store::Settings,
    /// The counters, asked only for stragglers, and the roster, in which the consumer says that it is alive.
    pub redis: sequencer::Settings,
    /// The queues.
    pub amqp: broker::Settings,
    /// The index.
    pub elasticsearch: search::Settings,
    /// Logs.
    pub log: service::telemetry::Settings,
    /// Traces.
    pub trace: trace::Settings,
    /// What is the consumer's own.
    pub consumer: Settings,
}

impl Config {
    /// Refuses values that cannot work, as the start would. Connects to nothing.
    ///
    /// # Errors
    /// [`Error`] says what is wrong with the first of them.
    pub fn check(&self) -> Result<(), Error> {
        self.consumer.check()?;
        self.log.check()?;
        self.trace.check()?;
        self.mysql.check()?;
        self.redis.check()?;
        self.elasticsearch.check()?;
        Ok(())
    }
}

/// The section `consumer`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The most chats stored in one transaction.
    pub chat_batch_items: usize,
    /// The most messages stored in one transaction.
    pub message_batch_items: usize,
    /// How long an item may wait for its batch to fill, in milliseconds.
    pub batch_ms: u64,
    /// Batches that may wait to be indexed; beyond it they are left to the outbox.
    pub indexer_queue_batches: usize,
    /// How soon after a request to the index the next one may begin while little waits for it, in milliseconds.
    pub index_every_ms: u64,
    /// How often the outbox is looked at, in milliseconds.
    pub relay_interval_ms: u64,
    /// How often counts are brought up to date, in milliseconds.
    pub count_interval_ms: u64,
    /// How soon after the start counts are brought up to date for the first time, at the latest, in milliseconds.
    pub count_first_ms: u64,
    /// The first pause before something that failed is tried again, in milliseconds.
    pub retry_min_ms: u64,
    /// The longest pause before something that failed is tried again, in milliseconds.
    pub retry_max_ms: u64,
}

/// The most items that a batch may be configured to hold: beyond it a transaction would only hold its locks longer.
const MAX_BATCH_ITEMS: usize = 10_000;

impl Settings {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the first setting that cannot work.
    pub fn check(&self) -> Result<(), InvalidSettings> {
        let batch = 1..=MAX_BATCH_ITEMS;
        let rules = [
            (batch.contains(&self.chat_batch_items), "consumer.chat_batch_items must be 1 to 10000"),
            (batch.contains(&self.message_batch_items), "consumer.message_batch_items must be 1 to 10000"),
            ((1..=60_000).contains(&self.batch_ms), "consumer.batch_ms must be 1 to 60000"),
            ((1..=1_000).contains(&self.indexer_queue_batches), "consumer.indexer_queue_batches must be 1 to 1000"),
            (self.index_every_ms <= 5_000, "consumer.index_every_ms must be 0 to 5000"),
            ((10..=60_000).contains(&self.relay_interval_ms), "consumer.relay_interval_ms must be 10 to 60000"),
            ((100..=86_400_000).contains(&self.count_interval_ms), "consumer.count_interval_ms must be 100 to 86400000"),
            ((100..=86_400_000).contains(&self.count_first_ms), "consumer.count_first_ms must be 100 to 86400000"),
            ((1..=self.retry_max_ms).contains(&self.retry_min_ms), "consumer.retry_min_ms must be 1 to consumer.retry_max_ms"),
            ((1..=60_000).contains(&self.retry_max_ms), "consumer.retry_max_ms must be 1 to 60000"),
        ];
        rules.into_iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, rule)| Err(InvalidSettings(rule)))
    }

    /// `prefetch`: AMQP messages of a partition that may be unacknowledged.
    pub(crate) fn limits(&self, prefetch: NonZeroU16) -> Limits {
        Limits {
            chats: self.chat_batch_items,
            messages: self.message_batch_items,
            deliveries: prefetch.get().into(),
            wait: Duration::from_millis(self.batch_ms),
        }
    }

    pub(crate) fn retry(&self) -> Bounds {
        Bounds { min: Duration::from_millis(self.retry_min_ms), max: Duration::from_millis(self.retry_max_ms) }
    }

    pub(crate) fn index_every(&self) -> Duration {
        Duration::from_millis(self.index_every_ms)
    }

    pub(crate) fn relay_interval(&self) -> Duration {
        Duration::from_millis(self.relay_interval_ms)
    }

    pub(crate) fn count_interval(&self) -> Duration {
        Duration::from_millis(self.count_interval_ms)
    }

    pub(crate) fn count_first(&self) -> Duration {
        Duration::from_millis(self.count_first_ms)
    }
}

/// A setting that cannot work, and what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSettings(&'static str);

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            chat_batch_items: 1000,
            message_batch_items: 1000,
            batch_ms: 50,
            indexer_queue_batches: 16,
            index_every_ms: 250,
            relay_interval_ms: 200,
            count_interval_ms: 3_600_000,
            count_first_ms: 30_000,
            retry_min_ms: 50,
            retry_max_ms: 5_000,
        }
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_name() {
        assert_eq!(settings().check(), Ok(()));
        let broken = [
            ("chat_batch_items", Settings { chat_batch_items: 0, ..settings() }),
            ("message_batch_items", Settings { message_batch_items: 10_001, ..settings() }),
            ("batch_ms", Settings { batch_ms: 0, ..settings() }),
            ("indexer_queue_batches", Settings { indexer_queue_batches: 0, ..settings() }),
            ("index_every_ms", Settings { index_every_ms: 5_001, ..settings() }),
            ("relay_interval_ms", Settings { relay_interval_ms: 0, ..settings() }),
            ("count_interval_ms", Settings { count_interval_ms: 0, ..settings() }),
            ("count_first_ms", Settings { count_first_ms: 0, ..settings() }),
            ("retry_min_ms", Settings { retry_min_ms: 6_000, ..settings() }),
            ("retry_m", Settings { retry_max_ms: 0, ..settings() }),
        ];
        for (name, settings) in broken {
            let refusal = settings.check().map_err(|error| error.to_string());
            assert!(refusal.is_err_and(|text| text.contains(name)), "{name}");
        }
    }
}
