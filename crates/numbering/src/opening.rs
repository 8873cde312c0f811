//! Opens an epoch: the steps, and their order, on which the safety of all numbers rests.
//!
//! 1. MySQL gives the next epoch number.
//! 2. The epoch's routing keys are bound, those of all lower epochs unbound: from here on the broker returns whatever a
//!    publisher sends that still believes in one of them.
//! 3. MySQL must still show the number as the highest. Since an epoch's keys are bound once, by its opener, before this check,
//!    no lower epoch can be bound any more once a higher one has passed it, whoever stalls where.
//! 4. Only then Redis' record is written, in the very process that was found without a valid one.
//!
//! A step that fails leaves nothing to undo: an epoch without a record gives no number.

use std::error::Error;

use broker::Publisher;
use events::Epoch;
use sequencer::{Record, Sequencer};
use store::{Store, epochs};

use crate::{Dependency, meters};

/// Epochs whose keys are unbound between two notes of it.
const UNBOUND_AT_ONCE: usize = 16;

/// What an opening works with.
pub(crate) struct Opening<'a> {
    pub(crate) sequencer: &'a Sequencer,
    pub(crate) publisher: &'a Publisher,
    pub(crate) store: &'a Store,
}

impl Opening<'_> {
    /// Tries once to open an epoch above `floor` for the Redis process `run_id`. `false`: another opener was faster, or Redis
    /// changed meanwhile. The caller looks at Redis anew either way.
    pub(crate) async fn open(&self, run_id: String, floor: Epoch, reason: &'static str) -> Result<bool, Failure> {
        // Neither an outage nor queues of another number must fill the history with epochs that never were.
        self.publisher.declare().await.map_err(broker_down)?;
        let mut conn = self.store.acquire().await.map_err(mysql_down)?;
        let epoch = epochs::next(&mut conn, &run_id, reason, floor).await.map_err(mysql_down)?;
        self.publisher.bind(epoch).await.map_err(broker_down)?;
        let lower = epochs::open_below(&mut conn, epoch).await.map_err(mysql_down)?;
        // Noted piece by piece, so that an attempt that runs out of time has brought the next one further.
        for some in lower.chunks(UNBOUND_AT_ONCE) {
            self.publisher.unbind(some).await.map_err(broker_down)?;
            epochs::close(&mut conn, some).await.map_err(mysql_down)?;
        }
        if epochs::highest(&mut conn).await.map_err(mysql_down)? != Some(epoch) {
            tracing::info!(epoch = epoch.get(), reason, "epoch overtaken by a higher one before it opened");
            self.publisher.unbind(&[epoch]).await.map_err(broker_down)?;
            return Ok(false);
        }
        let written = self.sequencer.write_record(&Record { epoch, run_id }).await.map_err(redis_down)?;
        if written {
            tracing::warn!(epoch = epoch.get(), reason, "epoch opened: every counter will be seeded anew");
            meters::epochs_opened(reason, 1);
        }
        Ok(written)
    }
}

/// Why there is no epoch: what is down, and for operators how that was noticed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) dependency: Dependency,
    pub(crate) cause: String,
}

impl Failure {
    pub(crate) fn of(dependency: Dependency, error: &dyn Error) -> Self {
        let mut cause = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            let said = error.to_string();
            // Some errors tell of their cause themselves.
            if !cause.ends_with(&said) {
                cause = format!("{cause}: {said}");
            }
            source = error.source();
        }
        Self { dependency, cause }
    }

    /// An attempt that took too long; which of the servers it waited for is not known.
    pub(crate) fn late() -> Self {
        Self { dependency: Dependency::Redis, cause: "no epoch was established in time".to_owned() }
    }
}

pub(crate) fn redis_down(error: sequencer::Error) -> Failure {
    Failure::of(Dependency::Redis, &error)
}

pub(crate) fn mysql_down(error: store::Error) -> Failure {
    Failure::of(Dependency::Mysql, &error)
}

pub(crate) fn broker_down(error: broker::Error) -> Failure {
    Failure::of(Dependency::Rabbitmq, &error)
}
