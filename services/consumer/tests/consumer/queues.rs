//! What a test puts straight into the queues and finds there, past the adapter.

use events::{Epoch, Item, Partition, Topology};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{
        BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeleteOptions, QueueDeclareOptions,
        QueueDeleteOptions,
    },
    types::FieldTable,
};
use tokio::time::timeout;

use crate::world::PATIENCE;

/// The queues of one test.
pub(crate) struct Queues {
    topology: Topology,
    connection: Connection,
    channel: Channel,
}

/// A queue for the answers to fences.
pub(crate) struct Answers {
    pub(crate) queue: String,
    consumer: lapin::Consumer,
}

impl Queues {
    pub(crate) async fn connect(url: &str, topology: Topology) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { topology, connection, channel }
    }

    pub(crate) fn partition_of(&self, item: &Item) -> Partition {
        self.topology.partitions().partition_of(item.application_id(), item.chat())
    }

    /// Publishes items in their order, in payloads of at most `group` items for each partition.
    pub(crate) async fn publish(&self, epoch: u64, items: &[Item], group: usize) {
        let mut confirms = Vec::new();
        for partition in self.topology.partitions().all() {
            let own: Vec<Item> = items.iter().filter(|item| self.partition_of(item) == partition).cloned().collect();
            for items in own.chunks(group) {
                let payload = events::encode_items(Epoch::new(epoch), items).unwrap();
                confirms.push(self.send(partition, &payload, BasicProperties::default()).await);
            }
        }
        for confirm in confirms {
            assert_eq!(confirm.await.unwrap(), Confirmation::Ack(None));
        }
    }

    pub(crate) async fn publish_payload(&self, partition: Partition, payload: &[u8]) {
        let confirm = self.send(partition, payload, BasicProperties::default()).await;
        assert_eq!(confirm.await.unwrap(), Confirmation::Ack(None));
    }

    /// To the default exchange, which routes to the queue itself: no epoch need be bound.
    async fn send(
        &self,
        partition: Partition,
        payload: &[u8],
        properties: BasicProperties,
    ) -> impl Future<Output = lapin::Result<Confirmation>> + use<> {
        let (queue, options) = (self.topology.queue(partition), BasicPublishOptions::default());
        self.channel
            .basic_publish("".into(), queue.as_str().into(), options, payload, properties.with_delivery_mode(2))
            .await
            .unwrap()
    }

    pub(crate) async fn answers(&self) -> Answers {
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare("".into(), options, FieldTable::default()).await.unwrap().name().to_string();
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let consumer =
            self.channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default()).await.unwrap();
        Answers { queue, consumer }
    }

    pub(crate) async fn fence(&self, epoch: u64, partition: Partition, answers: &Answers, id: &str) {
        let payload = events::encode_fence(Epoch::new(epoch)).unwrap();
        let properties = BasicProperties::default().with_reply_to(answers.queue.as_str().into()).with_correlation_id(id.into());
        let confirm = self.send(partition, &payload, properties).await;
        assert_eq!(confirm.await.unwrap(), Confirmation::Ack(None));
    }

    /// What stands in the dead letter queue; waits for one.
    pub(crate) async fn dead_payload(&self) -> Vec<u8> {
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let queue = self.topology.dead();
        let mut dead =
            self.channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default()).await.unwrap();
        timeout(PATIENCE, dead.next()).await.expect("a dead payload").unwrap().unwrap().data
    }

    /// Takes the dead letter queue away, as an operator may by mistake: nothing makes it again while the connections last.
    pub(crate) async fn delete_dead(&self) {
        self.channel.queue_delete(self.topology.dead().as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    }

    /// Whether the queues are there, each with an active consumer.
    pub(crate) async fn is_consumed(&self) -> bool {
        // Asking for a queue that is not there costs the channel.
        let channel = self.connection.create_channel().await.unwrap();
        for partition in self.topology.partitions().all() {
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let queue = self.topology.queue(partition);
            let declared = channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await;
            if !declared.is_ok_and(|queue| queue.consumer_count() > 0) {
                return false;
            }
        }
        true
    }

    /// AMQP messages that are ready, in all partitions; those delivered and not acknowledged do not count.
    pub(crate) async fn ready(&self) -> u32 {
        let mut ready = 0;
        for partition in self.topology.partitions().all() {
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let queue = self.topology.queue(partition);
            ready +=
                self.channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await.unwrap().message_count();
        }
        ready
    }

    pub(crate) async fn delete_all(&self) {
        let queues = self.topology.partitions().all().map(|partition| self.topology.queue(partition));
        for queue in queues.chain([self.topology.partition_marker(), self.topology.dead()]) {
            self.channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
        }
        for exchange in [self.topology.exchange(), self.topology.dead()] {
            self.channel.exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default()).await.unwrap();
        }
    }
}

impl Answers {
    /// The correlation id of the next answer.
    pub(crate) async fn next(&mut self) -> String {
        let answer = timeout(PATIENCE, self.consumer.next()).await.expect("an answer").unwrap().unwrap();
        answer.properties.correlation_id().clone().unwrap().to_string()
    }

    /// Whether nothing comes for a while: here a test can only wait.
    pub(crate) async fn is_silent(&mut self) -> bool {
        timeout(std::time::Duration::from_millis(500), self.consumer.next()).await.is_err()
    }
}
