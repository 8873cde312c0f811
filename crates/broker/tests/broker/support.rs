//! What every test needs: settings with a prefix of its own, items, a look into the queues, and tidying up.

use std::{
    num::{NonZeroU16, NonZeroUsize},
    time::{Duration, Instant},
};

use broker::{Consumer, Deliveries, Delivery, Event, Publisher, Settings};
use domain::{ApplicationId, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
use events::{Decoded, Epoch, Item, MessageCreated, Partition, PartitionCount, Topology};
use futures_util::StreamExt;
use lapin::{
    Channel, Confirmation, Connection, ConnectionProperties,
    options::{BasicAckOptions, BasicConsumeOptions, ConfirmSelectOptions, ExchangeDeleteOptions, QueueDeleteOptions},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Longer than anything may take that goes right, on a machine that has other work too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const END: &[u8] = b"end";

/// A topology of its own on a broker, removed when the test ends.
pub(crate) struct System {
    pub(crate) settings: Settings,
    url: String,
    /// Ends every handle of the test, so that none declares anew what is tidied up.
    pub(crate) shutdown: CancellationToken,
    tidies_up: bool,
}

impl System {
    /// On the shared broker.
    pub(crate) fn new() -> Self {
        let url =
            std::env::var("AMQP_URL").expect("AMQP_URL is not set: run the tests with `make test`, which starts the servers");
        let mut system = Self::at(&url);
        system.tidies_up = true;
        system
    }

    /// On a broker that goes away with the test.
    pub(crate) fn at(url: &str) -> Self {
        let settings = Settings {
            url: url.parse().unwrap(),
            prefix: format!("broker-test-{}-", uuid::Uuid::new_v4().simple()),
            partitions: PartitionCount::new(2).unwrap(),
            connect_timeout_ms: 2_000,
            confirm_timeout_ms: 2_500,
            queue_capacity: NonZeroUsize::new(10_000).unwrap(),
            group_items: NonZeroUsize::new(256).unwrap(),
            in_flight: NonZeroUsize::new(4).unwrap(),
            prefetch: NonZeroU16::new(64).unwrap(),
            settle_ms: 0,
            tls: Default::default(),
        };
        Self { settings, url: url.to_owned(), shutdown: CancellationToken::new(), tidies_up: false }
    }

    /// Where the broker is, as `host:port`.
    pub(crate) fn address(&self) -> String {
        let (_, place) = self.url.split_once("://").unwrap();
        let authority = place.split('/').next().unwrap();
        authority.rsplit('@').next().unwrap().to_owned()
    }

    /// Has the handles that are made from now on go by way of `address`.
    pub(crate) fn go_by(&mut self, address: &str) {
        self.settings.url = self.url.replacen(&self.address(), address, 1).parse().unwrap();
    }

    pub(crate) fn topology(&self) -> Topology {
        self.settings.topology()
    }

    pub(crate) fn partition(&self, index: usize) -> Partition {
        self.settings.partitions.all().nth(index).unwrap()
    }

    /// A publisher that is connected, with epoch 1 bound.
    pub(crate) async fn publisher(&self) -> Publisher {
        let publisher = Publisher::start(&self.settings, self.shutdown.clone());
        publisher.connected(PATIENCE).await.unwrap();
        publisher.bind(Epoch::new(1)).await.unwrap();
        publisher
    }

    /// A consumer that is connected, and its streams.
    pub(crate) async fn consumer(&self) -> (Consumer, Vec<Deliveries>) {
        let (consumer, streams) = Consumer::start(&self.settings, self.shutdown.clone());
        consumer.connected(PATIENCE).await.unwrap();
        (consumer, streams)
    }

    /// A connection past the adapter.
    pub(crate) async fn channel(&self) -> (Connection, Channel) {
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    /// Takes everything out of a queue: publishes an end mark and consumes up to it. (`basic.get` does not work on queues with a
    /// single active consumer.) What comes behind the mark is not acknowledged, so it stays in the queue.
    pub(crate) async fn empty(&self, queue: String) -> Vec<lapin::message::Delivery> {
        let (_connection, channel) = self.channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let end = channel.basic_publish("".into(), queue.as_str().into(), Default::default(), END, Default::default());
        assert_eq!(end.await.unwrap().await.unwrap(), Confirmation::Ack(None));
        let options = BasicConsumeOptions::default();
        let mut consumer = channel.basic_consume(queue.as_str().into(), "".into(), options, Default::default()).await.unwrap();
        let mut messages = Vec::new();
        loop {
            let message = timeout(PATIENCE, consumer.next()).await.expect("the end mark comes").unwrap().unwrap();
            message.ack(BasicAckOptions::default()).await.unwrap();
            if message.data == END {
                return messages;
            }
            messages.push(message);
        }
    }

    /// Takes every item out of a partition's queue; one vector a message.
    pub(crate) async fn stored(&self, partition: Partition) -> Vec<Vec<u64>> {
        let messages = self.empty(self.topology().queue(partition)).await;
        messages.iter().map(|message| numbers(&message.data)).collect()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if !self.tidies_up {
            return;
        }
        let (url, topology) = (self.url.clone(), self.topology());
        // A runtime of its own: the test's may be in the middle of a panic.
        let tidying = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async { timeout(PATIENCE, tidy_up(&url, &topology)).await }).unwrap();
        });
        if tidying.join().is_err() {
            eprintln!("queues may be left behind");
        }
    }
}

async fn tidy_up(url: &str, topology: &Topology) {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let queues = topology.partitions().all().map(|partition| topology.queue(partition));
    for queue in queues.chain([topology.partition_marker(), topology.dead()]) {
        channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    }
    for exchange in [topology.exchange(), topology.dead()] {
        channel.exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default()).await.unwrap();
    }
}

/// A message with this number.
pub(crate) fn item(number: u64) -> Item {
    Item::Message(MessageCreated {
        event_id: EventId::generate(),
        application_id: ApplicationId::new(1),
        chat: ChatNumber::new(1).unwrap(),
        number: MessageNumber::new(number).unwrap(),
        body: MessageBody::new(format!("message {number}")).unwrap(),
        created_at: Timestamp::now(),
        request_id: "test".to_owned(),
        trace: None,
    })
}

/// The numbers of the messages in a payload; none for a fence.
pub(crate) fn numbers(payload: &[u8]) -> Vec<u64> {
    match events::decode(payload).unwrap() {
        Decoded::Items { items, .. } => items.into_iter().map(|item| item.unwrap().message().unwrap().get()).collect(),
        Decoded::Fence { .. } => Vec::new(),
    }
}

pub(crate) fn is_fence(delivery: &Delivery) -> bool {
    matches!(events::decode(&delivery.payload), Ok(Decoded::Fence { .. }))
}

/// The next delivery, which must come without a reset.
pub(crate) async fn next(stream: &mut Deliveries) -> Delivery {
    match timeout(PATIENCE, stream.next()).await.expect("no delivery came") {
        Some(Event::Delivery(delivery)) => delivery,
        other => panic!("{other:?} instead of a delivery"),
    }
}

/// Whether nothing comes for a while: the one place where a test can only wait.
pub(crate) async fn is_silent(stream: &mut Deliveries) -> bool {
    timeout(Duration::from_millis(300), stream.next()).await.is_err()
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
