//! The broker as a plain client uses it: for what ours is compared with, which must cost no more than it has to.

use anyhow::ensure;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueuePurgeOptions},
    types::{AMQPValue, FieldTable, ShortString},
};

/// A quorum queue and a channel that confirms. The connection closes with it.
pub(super) struct Queue {
    name: ShortString,
    channel: Channel,
    _connection: Connection,
}

impl Queue {
    /// Connects, and makes the queue if it is not there: durable, of the kind that ours are.
    pub(super) async fn declare(url: &str, name: &str) -> anyhow::Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let name = ShortString::from(name);
        channel.queue_declare(name.clone(), options, arguments).await?;
        Ok(Self { name, channel, _connection: connection })
    }

    /// One persistent message, and its confirm.
    pub(super) async fn publish(&self, payload: &[u8]) -> anyhow::Result<()> {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = BasicProperties::default().with_content_type("application/json".into()).with_delivery_mode(2);
        // The default exchange routes to the queue of the key's name.
        let publish = self.channel.basic_publish("".into(), self.name.clone(), options, payload, properties);
        let confirmation = publish.await?.await?;
        ensure!(confirmation == Confirmation::Ack(None), "the broker has not taken a message");
        Ok(())
    }

    /// Throws away what it holds: nobody consumes it.
    pub(super) async fn purge(&self) -> anyhow::Result<()> {
        self.channel.queue_purge(self.name.clone(), QueuePurgeOptions::default()).await?;
        Ok(())
    }
}
