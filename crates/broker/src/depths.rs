//! How much waits in each queue, asked by declaring it passively: that changes nothing, and any connection may ask.

use std::time::Duration;

use events::{Partition, Topology};
use lapin::{options::QueueDeclareOptions, types::FieldTable};
use tokio::{sync::watch, time::timeout};

use crate::{Consumer, Error, Publisher, session::Link};

/// What waits in a partition's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// The partition.
    pub partition: Partition,
    /// AMQP messages that are ready for delivery; those delivered and not acknowledged do not count.
    pub messages: u32,
    /// Whether a consumer is active; those that stand by do not count.
    pub is_consumed: bool,
}

impl Consumer {
    /// How much waits in each queue, in the order of the partitions. Takes at most the confirm timeout.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn depths(&self) -> Result<Vec<Depth>, Error> {
        count(self.answers.link(), &self.topology, self.limit).await
    }
}

impl Publisher {
    /// How much waits in each queue, in the order of the partitions. Takes at most the confirm timeout.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn depths(&self) -> Result<Vec<Depth>, Error> {
        count(&self.shared.link, &self.shared.topology, self.shared.limit).await
    }
}

async fn count(link: &watch::Receiver<Link>, topology: &Topology, limit: Duration) -> Result<Vec<Depth>, Error> {
    let session = link.borrow().session()?;
    let counted = timeout(limit, async {
        let channel = session.channel().await?;
        let mut depths = Vec::with_capacity(usize::from(topology.partitions().get()));
        for partition in topology.partitions().all() {
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let queue = channel.queue_declare(topology.queue(partition).as_str().into(), options, FieldTable::default()).await;
            let queue = queue.map_err(Error::amqp("count a queue"))?;
            depths.push(Depth { partition, messages: queue.message_count(), is_consumed: queue.consumer_count() > 0 });
        }
        Ok(depths)
    });
    counted.await.unwrap_or(Err(Error::TimedOut("count the queues")))
}
