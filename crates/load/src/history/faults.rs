//! The faults that the history is made under: each strikes where one guard of the system stands, and would show at once if that
//! guard were gone.

use std::{
    fmt,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use devstack::Server;
use domain::EventId;
use localsystem::{LocalSystem, Service};
use tokio::time::sleep;

use super::{report::Kind, rivals};
use crate::redis::tell;

/// Redis writes its append-only file to disk once a second: killed, it may forget what it was told for about so long.
const UNWRITTEN: Duration = Duration::from_secs(2);

/// How long creates take numbers that are not confirmed: longer than a create may take (2.8 s), so that each client burns
/// several.
const UNCONFIRMED: Duration = Duration::from_secs(6);

/// How long creates gather in the queue before the counters go.
const GATHERING: Duration = Duration::from_secs(1);
/// How long counters are missing before anything of the queue is stored: long enough for a new epoch to be opened.
const SEEDING: Duration = Duration::from_secs(4);

/// What is done to the system in the middle of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// FLUSHALL while the consumer is killed: all counters are gone, and what they gave stands in the queue. Against it stands
    /// the fence.
    RedisFlush,
    /// RabbitMQ is paused and killed, so that creates fail that have their number; Redis is killed meanwhile, so that a new epoch
    /// gives these numbers anew; then the first ones are sent again with their keys. Against it stands ingest's look at whose
    /// event it is that is stored under the number.
    NumbersAnew,
    /// MySQL is paused, so that batches cannot be committed, and the consumer is killed. Against it stands the acknowledgement
    /// behind the commit.
    ConsumerKill,
    /// RabbitMQ is paused, so that it confirms nothing, and killed. Against it stands the answer behind the confirm.
    BrokerKill,
    /// Events come into the queues whose numbers other events have, as from an ingest whose numbering has failed. Against it
    /// stands the consumer's comparison of event ids.
    Rivals,
}

/// As it is written on the command line.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

/// From when to when Redis may have forgotten keys.
pub(crate) type KeysLost = (Instant, Instant);

/// What the check must know of a strike.
#[derive(Debug, Default)]
pub(crate) struct Struck {
    pub(crate) keys_lost: Option<KeysLost>,
    /// The events that were put into the queues beside those of the services.
    pub(crate) rivals: Vec<EventId>,
}

impl Fault {
    /// What the check must find when the guard is gone.
    pub(crate) fn exposes(self) -> &'static [Kind] {
        match self {
            Self::RedisFlush => &[Kind::SharedNumber],
            // The number's owner need not have been answered: then it is the row alone that shows the other's text.
            Self::NumbersAnew => &[Kind::SharedNumber, Kind::Changed],
            Self::ConsumerKill | Self::BrokerKill | Self::Rivals => &[Kind::Lost],
        }
    }

    /// Strikes once, and returns when everything is up again.
    pub(crate) async fn strike(self, system: &mut LocalSystem) -> anyhow::Result<Struck> {
        let mut struck = Struck::default();
        match self {
            Self::RedisFlush => struck.keys_lost = Some(redis_flush(system).await?),
            Self::NumbersAnew => struck.keys_lost = Some(numbers_anew(system).await?),
            Self::ConsumerKill => consumer_kill(system).await?,
            Self::BrokerKill => broker_kill(system).await?,
            Self::Rivals => struck.rivals = rivals::send(system).await?,
        }
        Ok(struck)
    }
}

async fn redis_flush(system: &mut LocalSystem) -> anyhow::Result<KeysLost> {
    system.kill_service(Service::Consumer).await?;
    sleep(GATHERING).await;
    let lost = flush(system).await?;
    sleep(SEEDING).await;
    system.start_service(Service::Consumer).await?;
    Ok(lost)
}

async fn flush(system: &LocalSystem) -> anyhow::Result<KeysLost> {
    let begun = Instant::now();
    tell(&system.stack().urls().redis, &["FLUSHALL"]).await?;
    Ok((begun, Instant::now()))
}

async fn numbers_anew(system: &LocalSystem) -> anyhow::Result<KeysLost> {
    let stack = system.stack();
    stack.pause(Server::Rabbitmq)?;
    sleep(UNCONFIRMED).await;
    stack.kill(Server::Rabbitmq).await?;
    let killed = Instant::now();
    stack.kill(Server::Redis).await?;
    stack.start(Server::Redis).await?;
    stack.start(Server::Rabbitmq).await?;
    Ok((killed.checked_sub(UNWRITTEN).unwrap_or(killed), killed))
}

async fn consumer_kill(system: &mut LocalSystem) -> anyhow::Result<()> {
    system.stack().pause(Server::Mysql)?;
    sleep(Duration::from_millis(1_500)).await;
    let killed = system.kill_service(Service::Consumer).await;
    system.stack().resume(Server::Mysql)?;
    killed?;
    system.start_service(Service::Consumer).await
}

async fn broker_kill(system: &LocalSystem) -> anyhow::Result<()> {
    let stack = system.stack();
    stack.pause(Server::Rabbitmq)?;
    sleep(Duration::from_millis(500)).await;
    stack.kill(Server::Rabbitmq).await?;
    Ok(stack.start(Server::Rabbitmq).await?)
}
