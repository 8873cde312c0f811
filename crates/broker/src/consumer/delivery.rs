//! One delivered message and how it is settled.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use events::Partition;
use lapin::{
    Acker, BasicProperties,
    options::{BasicAckOptions, BasicRejectOptions},
    types::ShortString,
};
use tokio::time::timeout;

/// Whether a delivery could still be settled.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The broker was told.
    Done,
    /// The delivery belongs to a connection that is lost, or was settled before: nothing was done. If it was lost, the broker
    /// delivers the message again.
    Stale,
}

/// One stretch of consuming: from a successful `basic.consume` to its loss. Deliveries are of use only within it.
#[derive(Debug, Clone)]
pub(crate) struct Stretch(Arc<AtomicBool>);

impl Stretch {
    pub(crate) fn begin() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    pub(crate) fn end(&self) {
        self.0.store(false, Ordering::Release);
    }

    fn goes_on(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Where the answer to a fence goes, and what must stand on it.
pub(crate) struct Reply {
    pub(crate) to: ShortString,
    pub(crate) correlation_id: ShortString,
}

impl Reply {
    fn wanted_by(properties: &BasicProperties) -> Option<Self> {
        Some(Self { to: properties.reply_to().clone()?, correlation_id: properties.correlation_id().clone()? })
    }
}

/// A message that was delivered and wants to be settled. Dropping it settles nothing.
pub struct Delivery {
    /// Where it comes from.
    pub partition: Partition,
    /// Its content. May be taken away; the delivery can be settled without it.
    pub payload: Vec<u8>,
    /// Whether it was delivered before, perhaps to another consumer.
    pub redelivered: bool,
    reply: Option<Reply>,
    acker: Acker,
    stretch: Stretch,
    limit: Duration,
}

impl Delivery {
    pub(crate) fn new(partition: Partition, delivered: lapin::message::Delivery, stretch: Stretch, limit: Duration) -> Self {
        Self {
            partition,
            payload: delivered.data,
            redelivered: delivered.redelivered,
            reply: Reply::wanted_by(&delivered.properties),
            acker: delivered.acker,
            stretch,
            limit,
        }
    }

    /// Whether the consumer that got this delivery is still there, so that it can be settled.
    pub fn is_current(&self) -> bool {
        self.stretch.goes_on() && !self.acker.poisoned()
    }

    /// Acknowledges this delivery alone.
    pub async fn ack(&self) -> Settled {
        self.settle(self.acker.ack(BasicAckOptions { multiple: false })).await
    }

    /// Acknowledges this delivery and all earlier ones of its partition that are not settled yet.
    pub async fn ack_through(&self) -> Settled {
        self.settle(self.acker.ack(BasicAckOptions { multiple: true })).await
    }

    /// Has the broker move the message to the dead letter queue, byte for byte. It leaves its own queue only once it is stored
    /// there.
    pub async fn reject_to_dead(&self) -> Settled {
        self.settle(self.acker.reject(BasicRejectOptions { requeue: false })).await
    }

    /// The answer that the sender waits for, if it does.
    pub(crate) fn reply(&self) -> Option<&Reply> {
        self.reply.as_ref()
    }

    async fn settle(&self, settling: impl Future<Output = lapin::Result<bool>>) -> Settled {
        if !self.is_current() {
            return Settled::Stale;
        }
        // A connection that takes no frames for so long is lost, or will deliver again what it did not get to hear.
        match timeout(self.limit, settling).await {
            Ok(Ok(true)) => Settled::Done,
            Ok(Ok(false) | Err(_)) | Err(_) => Settled::Stale,
        }
    }
}

impl fmt::Debug for Delivery {
    /// Tells the length only: what people write does not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("partition", &self.partition)
            .field("bytes", &self.payload.len())
            .field("redelivered", &self.redelivered)
            .finish_non_exhaustive()
    }
}
