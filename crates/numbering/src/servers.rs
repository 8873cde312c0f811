//! What everything here does with the servers in the same way: to wait for a fence, and to tell in this crate's terms what Redis
//! or MySQL answered. It must never ask again: each caller has its own deadline and begins anew by itself.

use std::{sync::Arc, time::Instant};

use events::Partition;
use futures_util::future::try_join_all;
use sequencer::Adopted;

use crate::{Dependency, Error, Numbering};

/// What came of a step that can be done in its epoch alone.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InEpoch<T> {
    /// It is done.
    Done(T),
    /// The epoch is over: the caller begins anew, in the next one.
    Over,
}

impl Numbering {
    /// Waits until all that stands in these partitions now is committed.
    pub(crate) async fn fence(
        &self,
        adopted: &Arc<Adopted>,
        partitions: impl IntoIterator<Item = Partition>,
        deadline: Instant,
    ) -> Result<InEpoch<()>, Error> {
        let epoch = adopted.record().epoch;
        let fences = partitions.into_iter().map(|partition| self.publisher.fence(epoch, partition, deadline));
        match try_join_all(fences).await {
            Ok(_) => Ok(InEpoch::Done(())),
            Err(broker::FenceError::Returned) => {
                self.keeper.returned(adopted);
                Ok(InEpoch::Over)
            }
            Err(broker::FenceError::Unanswered) => Err(Error::Unavailable(Dependency::Consumer)),
            Err(broker::FenceError::Unavailable) => Err(Error::Unavailable(Dependency::Rabbitmq)),
        }
    }

    /// Makes an answer of Redis one of ours: that the epoch is over is no failure, the caller begins anew.
    pub(crate) fn stale_is_over<T>(&self, adopted: &Arc<Adopted>, outcome: Result<T, sequencer::Error>) -> Result<(), Error> {
        match outcome {
            Ok(_) => Ok(()),
            Err(sequencer::Error::Stale) => {
                self.keeper.forget(adopted);
                Ok(())
            }
            Err(error) => {
                tracing::debug!(%error, "Redis failed");
                Err(Error::Unavailable(Dependency::Redis))
            }
        }
    }

    pub(crate) async fn connection(&self) -> Result<store::PooledConnection, Error> {
        self.store.acquire().await.map_err(mysql)
    }
}

pub(crate) fn mysql(error: store::Error) -> Error {
    tracing::debug!(%error, "MySQL failed");
    Error::Unavailable(Dependency::Mysql)
}
