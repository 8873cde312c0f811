//! Changes the number of partitions, for an operator who has stopped what gives numbers and what stores.
//!
//! A chat's queue follows from the number. So two numbers at a time would part a chat's messages over two queues, and a fence
//! would pass in one while the other still holds what was acknowledged: its number would be given again. Therefore, in this
//! order:
//!
//! 1. A note is left in the broker. From here on no service connects, opens an epoch, or trusts one that it did not trust before
//!    ([`Publisher::confirm_partitions`](crate::Publisher::confirm_partitions)).
//! 2. The exchange is removed and made anew, without a binding. An epoch is bound once, before anyone trusts it: so nothing that
//!    is published in an epoch of before reaches a queue any more, whoever publishes it, and however late.
//! 3. Every queue must be empty, and without a consumer who could hold what is not stored yet.
//! 4. Only then the count that services are held to is replaced, and the note is taken away.
//!
//! Nothing that waits is ever moved or removed. A change that was broken off is finished by the same call, or taken back by one
//! with the number of before.

use std::time::{Duration, Instant};

use events::{PartitionCount, Topology};
use lapin::{
    Channel,
    options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions},
    protocol::AMQPSoftError,
    types::{AMQPValue, FieldTable},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{Depth, Error, Settings, connection, session::Session, topology};

/// How long anything that is asked here may take in all. Making a queue takes a cluster a moment.
const LIMIT: Duration = Duration::from_secs(60);
/// A broker that is busy takes a connection late.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A consumer that has just ended may be counted for a moment longer.
const REST_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// An operator's connection, which takes the number of partitions as it finds it.
pub struct Repartition {
    session: Session,
    settings: Settings,
}

/// How many partitions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// What services must be configured for; `None` where no service has made queues yet.
    pub current: Option<PartitionCount>,
    /// A change was broken off, and this is the number that it was to leave.
    pub leaving: Option<PartitionCount>,
}

impl Repartition {
    /// Connects, at a later attempt if the first ones fail. `settings.partitions` is of no account.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn connect(settings: &Settings) -> Result<Self, Error> {
        let began = Instant::now();
        loop {
            match connection::open("repartition", &settings.url, &settings.tls, settings.connect_timeout()).await {
                Ok(connection) => {
                    let session = Session { connection, over: CancellationToken::new() };
                    return Ok(Self { session, settings: settings.clone() });
                }
                Err(error) if began.elapsed() > CONNECT_WITHIN => return Err(error),
                Err(_) => sleep(LOOK_EVERY).await,
            }
        }
    }

    /// How many partitions there are.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn counts(&self) -> Result<Counts, Error> {
        let names = self.settings.topology();
        let count = async |name| Ok(topology::marked(&self.session, name).await?.and_then(PartitionCount::new));
        let counted =
            async { Ok(Counts { current: count(names.partition_marker()).await?, leaving: count(names.change_note()).await? }) };
        within(counted, "count the partitions").await
    }

    /// What waits in each of so many queues; those that are not there are left out.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn depths(&self, count: PartitionCount) -> Result<Vec<Depth>, Error> {
        let names = self.names(count);
        let counted = async {
            let mut depths = Vec::with_capacity(usize::from(count.get()));
            for partition in count.all() {
                if let Some(queue) = topology::find(&self.session, names.queue(partition)).await? {
                    let is_consumed = queue.consumer_count() > 0;
                    depths.push(Depth { partition, messages: queue.message_count(), is_consumed });
                }
            }
            Ok(depths)
        };
        within(counted, "count the queues").await
    }

    /// Changes the number of partitions, or finishes that. Returns what it was before.
    ///
    /// # Errors
    /// [`Error::Busy`] when something waits in a queue, or is consumed from it: nothing has changed then. Any other [`Error`]
    /// when it could not be finished; it is to be called again.
    pub async fn change(&self, to: PartitionCount) -> Result<PartitionCount, Error> {
        within(self.change_alone(to), "change the number of partitions").await
    }

    async fn change_alone(&self, to: PartitionCount) -> Result<PartitionCount, Error> {
        self.keep_others_out().await?;
        let Counts { current, leaving } = self.counts().await?;
        let Some(from) = leaving.or(current) else {
            return Err(Error::Busy("there are no queues yet: services make them, as many as amqp.partitions says".to_owned()));
        };
        if leaving.is_none() && from == to {
            return Ok(from);
        }
        let all = [from, to, current.unwrap_or(from)].into_iter().max_by_key(|count| count.get()).unwrap_or(to);
        let names = self.names(to);
        // The usual mistake is told before anything is touched.
        let mut rested = self.rested(all).await;
        let channel = self.session.channel().await?;
        if rested.is_ok() {
            self.fence_off(&channel, &names, from).await?;
            rested = self.rested(all).await;
        }
        if let Err(busy) = rested {
            // Nothing but bindings is gone so far, and those the next epoch makes anew. Consumers of before must get in again.
            if current == Some(from) {
                self.remove(names.change_note()).await?;
            }
            return Err(busy);
        }
        let widest = self.names(all);
        for partition in all.all().filter(|partition| partition.get() >= to.get()) {
            self.remove(widest.queue(partition)).await?;
        }
        self.remove(names.partition_marker()).await?;
        topology::declare_marker(&channel, &names).await?;
        self.remove(names.change_note()).await?;
        Ok(from)
    }

    /// Leaves the note, and sees to it that nothing reaches a queue any more.
    async fn fence_off(&self, channel: &Channel, names: &Topology, from: PartitionCount) -> Result<(), Error> {
        topology::declare_note(channel, names.change_note(), from.get()).await?;
        let removed = channel.exchange_delete(names.exchange().as_str().into(), ExchangeDeleteOptions::default());
        removed.await.map_err(Error::amqp("remove the exchange"))?;
        topology::declare_exchange(channel, names.exchange()).await?;
        for partition in names.partitions().all() {
            topology::declare_partition(channel, names, partition).await?;
        }
        // New queues must survive a crash before they are used (see `topology`); what was on its way arrives meanwhile.
        sleep(self.settings.settling_time()).await;
        Ok(())
    }

    /// One process at a time: this queue is the connection's own, and goes with it.
    async fn keep_others_out(&self) -> Result<(), Error> {
        let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let (name, channel) = (self.settings.topology().changer(), self.session.channel().await?);
        let mut classic = FieldTable::default();
        classic.insert("x-queue-type".into(), AMQPValue::LongString("classic".into()));
        let declared = channel.queue_declare(name.as_str().into(), options, classic).await;
        declared.map(drop).map_err(|source| {
            if topology::is_refused_as(&source, AMQPSoftError::RESOURCELOCKED) {
                Error::Busy("another process is changing the number of partitions".to_owned())
            } else {
                Error::Amqp { action: "keep others from changing the number of partitions", source }
            }
        })
    }

    /// Waits a moment until all queues are empty and without a consumer. RabbitMQ does not tell of messages that are delivered
    /// and not acknowledged; without a consumer there are none.
    async fn rested(&self, count: PartitionCount) -> Result<(), Error> {
        let began = Instant::now();
        loop {
            let depths = self.depths(count).await?;
            let Some(sentence) = unrest(&depths, &self.names(count)) else { return Ok(()) };
            if began.elapsed() > REST_WITHIN {
                return Err(Error::Busy(sentence));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn remove(&self, queue: String) -> Result<(), Error> {
        let channel = self.session.channel().await?;
        let removed = channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await;
        removed.map(drop).map_err(Error::amqp("remove a queue"))
    }

    fn names(&self, count: PartitionCount) -> Topology {
        Topology::new(self.settings.prefix.as_str(), count)
    }
}

async fn within<T>(work: impl Future<Output = Result<T, Error>>, what: &'static str) -> Result<T, Error> {
    timeout(LIMIT, work).await.unwrap_or(Err(Error::TimedOut(what)))
}

/// What keeps the queues from being at rest.
fn unrest(depths: &[Depth], names: &Topology) -> Option<String> {
    let waiting = depths.iter().find(|depth| depth.messages > 0);
    let consumed = depths.iter().find(|depth| depth.is_consumed);
    match (waiting, consumed) {
        (None, None) => None,
        (Some(depth), None) => Some(format!(
            "{} holds {} that are not stored: start a consumer, as it was configured before, until nothing waits, and stop it",
            names.queue(depth.partition),
            if depth.messages == 1 { "a message".to_owned() } else { format!("{} messages", depth.messages) },
        )),
        (_, Some(depth)) => Some(format!(
            "{} has a consumer: stop ingest, wait until nothing waits in the queues, then stop all consumers",
            names.queue(depth.partition)
        )),
    }
}
