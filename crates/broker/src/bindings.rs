//! Binds and unbinds epochs. Which epoch may be bound, and when, is the opener's business (`numbering`).

use std::time::Duration;

use events::{Epoch, Partition};
use lapin::{
    Channel,
    options::{ExchangeDeleteOptions, QueueBindOptions},
    types::FieldTable,
};
use tokio::time::timeout;

use crate::{Error, Publisher, session::Session, topology};

impl Publisher {
    /// Binds the epoch's routing key of every partition to the partition's queue. What is missing of the topology is declared
    /// first, since queues may have been deleted under a living connection.
    ///
    /// # Errors
    /// Any [`Error`]; some of the keys may then be bound.
    pub async fn bind(&self, epoch: Epoch) -> Result<(), Error> {
        let settling_time = self.shared.settling_time;
        self.on_channel("bind an epoch", self.shared.limit + settling_time, async |session, channel| {
            topology::declare(session, &self.shared.topology, settling_time).await?;
            for partition in self.shared.topology.partitions().all() {
                let (queue, exchange, key) = self.names(epoch, partition);
                let bound = channel.queue_bind(
                    queue.as_str().into(),
                    exchange.as_str().into(),
                    key.as_str().into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                );
                bound.await.map_err(Error::amqp("bind an epoch"))?;
            }
            Ok(())
        })
        .await
    }

    /// Unbinds the routing keys of these epochs: when this returns, the broker returns whatever is published in them. An epoch
    /// that is not bound is no error.
    ///
    /// # Errors
    /// Any [`Error`]; some of the keys may then still be bound.
    pub async fn unbind(&self, epochs: &[Epoch]) -> Result<(), Error> {
        if epochs.is_empty() {
            return Ok(());
        }
        self.on_channel("unbind epochs", self.shared.limit, async |_session, channel| {
            for epoch in epochs {
                for partition in self.shared.topology.partitions().all() {
                    let (queue, exchange, key) = self.names(*epoch, partition);
                    let unbound = channel.queue_unbind(
                        queue.as_str().into(),
                        exchange.as_str().into(),
                        key.as_str().into(),
                        FieldTable::default(),
                    );
                    unbound.await.map_err(Error::amqp("unbind an epoch"))?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Unbinds every epoch, also those of which nobody knows any more: the exchange is removed, and declared anew without any
    /// bindings. Whoever publishes meanwhile is refused.
    ///
    /// # Errors
    /// Any [`Error`]; the exchange may then be missing, which the next connection of any service mends.
    pub async fn unbind_all(&self) -> Result<(), Error> {
        let settling_time = self.shared.settling_time;
        self.on_channel("unbind all epochs", self.shared.limit + settling_time, async |session, channel| {
            let exchange = self.shared.topology.exchange();
            let removed = channel.exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default());
            removed.await.map_err(Error::amqp("remove the exchange"))?;
            topology::declare(session, &self.shared.topology, settling_time).await
        })
        .await
    }

    /// Makes what is missing of the queues. For whoever is about to take something that would be lost if [`Publisher::bind`] were
    /// refused.
    ///
    /// # Errors
    /// [`Error::WrongTopology`] when they are not those that this process is configured for; any other [`Error`].
    pub async fn declare(&self) -> Result<(), Error> {
        let settling_time = self.shared.settling_time;
        let work = async |session: &Session, _: &Channel| topology::declare(session, &self.shared.topology, settling_time).await;
        self.on_channel("declare the topology", self.shared.limit + settling_time, work).await
    }

    /// Whether the queues are still those that this process is configured for. To be asked before an epoch that others opened is
    /// trusted: the connection may be older than a change of their number.
    ///
    /// # Errors
    /// [`Error::WrongTopology`] when they are not; any other [`Error`] when that could not be learnt.
    pub async fn confirm_partitions(&self) -> Result<(), Error> {
        let work = async |session: &Session, _: &Channel| topology::confirm(session, &self.shared.topology).await;
        self.on_channel("look for the queues", self.shared.limit, work).await
    }

    fn names(&self, epoch: Epoch, partition: Partition) -> (String, String, String) {
        let topology = &self.shared.topology;
        (topology.queue(partition), topology.exchange(), topology.routing_key(epoch, partition))
    }

    /// Works on a channel of its own, which a refusal may close without harm to the publishes.
    async fn on_channel(
        &self,
        action: &'static str,
        limit: Duration,
        work: impl AsyncFnOnce(&Session, &Channel) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let session = self.shared.link.borrow().session()?;
        let done = timeout(limit, async {
            let channel = session.channel().await?;
            work(&session, &channel).await
        });
        done.await.unwrap_or(Err(Error::TimedOut(action)))
    }
}
