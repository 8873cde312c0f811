//! Adopting the epoch that Redis' record names, and writing the record when a new one was opened.

use std::future::Future;

use deadpool_redis::redis::cmd;
use tokio::time::timeout;

use crate::{
    Error, Outage, Record, Sequencer,
    reply::{split, unexpected},
    scripts::Scripts,
    server,
};

const WRITE_RECORD: &str = include_str!("scripts/write_record.lua");

/// An epoch whose record was read, and whose scripts were loaded, in one server process. All that touches a counter asks for it.
#[derive(Debug, Clone)]
pub struct Adopted {
    record: Record,
    // In a box, or their names would make every value that may hold an epoch large.
    scripts: Box<Scripts>,
}

impl Adopted {
    /// The record that was read.
    pub fn record(&self) -> &Record {
        &self.record
    }

    pub(crate) fn scripts(&self) -> &Scripts {
        &self.scripts
    }
}

/// What Redis shows to one who wants to give numbers.
#[derive(Debug, Clone)]
pub enum Adoption {
    /// A valid record: numbers can be given in its epoch.
    Adopted(Adopted),
    /// No counter in this process can be trusted.
    NeedsEpoch {
        /// The process that was looked at, for the record to be written.
        run_id: String,
        /// The record that is worth nothing, if there is one: the new epoch must be higher.
        found: Option<Record>,
        /// Why.
        reason: NeedsEpochReason,
    },
}

/// Why an epoch must be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeedsEpochReason {
    /// Redis is new or was emptied.
    RecordMissing,
    /// The record was written in another process: Redis has restarted or failed over.
    RedisRestarted,
    /// The process has evicted keys since the record was written, counters perhaps.
    KeysEvicted,
}

impl NeedsEpochReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::RecordMissing, Self::RedisRestarted, Self::KeysEvicted];

    /// Its name in metrics, logs and the epochs' history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RecordMissing => "record_missing",
            Self::RedisRestarted => "redis_restarted",
            Self::KeysEvicted => "keys_evicted",
        }
    }
}

impl Sequencer {
    /// Looks at Redis, on a connection of its own, and adopts the epoch that its record names if the record is this process' own.
    ///
    /// # Errors
    /// [`Error::Unavailable`] within the connect timeout and three times the response timeout; [`Error::Unfit`];
    /// [`Error::Protocol`].
    pub async fn adopt(&self) -> Result<Adoption, Error> {
        let adoption = self.within_both_timeouts(self.look_and_load()).await?;
        if let Adoption::Adopted(adopted) = &adoption {
            self.lead_link_to(&adopted.record.run_id).await?;
        }
        Ok(adoption)
    }

    async fn look_and_load(&self) -> Result<Adoption, Error> {
        let mut connection = server::connect(self.primary(), self.settings()).await?;
        let run_id = server::fit_run_id(&mut connection).await?;
        let found: Option<Vec<u8>> = cmd("GET").arg(self.keys().record()).query_async(&mut connection).await?;
        match found.as_deref().and_then(Record::parse) {
            Some(record) if record.run_id == run_id => {
                let scripts = Scripts::load(&mut connection, &record).await?.into();
                Ok(Adoption::Adopted(Adopted { record, scripts }))
            }
            Some(record) => {
                let evicted = record.is_of_process(&run_id);
                let reason = if evicted { NeedsEpochReason::KeysEvicted } else { NeedsEpochReason::RedisRestarted };
                Ok(Adoption::NeedsEpoch { run_id, found: Some(record), reason })
            }
            None => Ok(Adoption::NeedsEpoch { run_id, found: None, reason: NeedsEpochReason::RecordMissing }),
        }
    }

    /// Makes sure that the shared connection leads to the process that was just adopted. After a failover it may still hold on to
    /// the old one, which would make every adoption stale for as long as that lives.
    async fn lead_link_to(&self, run_id: &str) -> Result<(), Error> {
        if self.leads_to(run_id).await.unwrap_or(false) {
            return Ok(());
        }
        self.link().renew();
        if self.leads_to(run_id).await? { Ok(()) } else { Err(Outage::Ambiguous.into()) }
    }

    /// Writes the record of an epoch that was opened: if the server is still the process that the record names, and its present
    /// record is missing, another process', or of a lower epoch. `false`: refused, nothing was changed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] within the connect timeout and the response timeout, and then the record may have been written;
    /// [`Error::Unfit`]; [`Error::Protocol`].
    pub async fn write_record(&self, record: &Record) -> Result<bool, Error> {
        self.within_both_timeouts(self.compare_and_set(record)).await
    }

    async fn compare_and_set(&self, record: &Record) -> Result<bool, Error> {
        let mut connection = server::connect(self.primary(), self.settings()).await?;
        if server::fit_run_id(&mut connection).await? != record.run_id {
            return Ok(false);
        }
        let mut write = cmd("EVAL");
        write.arg(WRITE_RECORD).arg(1).arg(self.keys().record()).arg(record.epoch.get()).arg(&record.run_id);
        match split(&write.query_async(&mut connection).await?)? {
            (b"WRITTEN", []) => Ok(true),
            (b"REFUSED", []) => Ok(false),
            _ => Err(unexpected()),
        }
    }

    /// Bounds work on a connection of its own: several round trips together, not each.
    async fn within_both_timeouts<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let limit = self.settings().connect_timeout() + self.settings().response_timeout();
        timeout(limit, work).await.unwrap_or(Err(Outage::TimedOut.into()))
    }
}
