//! The settings that the commands use: the same sections, from the same places, as the services'.

use anyhow::Result;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use service::config;

/// For commands that need both stores.
#[derive(Debug, Deserialize)]
pub(crate) struct Stores {
    pub(crate) mysql: store::Settings,
    pub(crate) elasticsearch: search::Settings,
}

/// For comparisons, which must know how late counts may be.
#[derive(Debug, Deserialize)]
pub(crate) struct Compared {
    pub(crate) mysql: store::Settings,
    pub(crate) elasticsearch: search::Settings,
    pub(crate) consumer: consumer::Settings,
}

/// For commands that need the database only: they must run where no search server is configured.
#[derive(Debug, Deserialize)]
pub(crate) struct Database {
    pub(crate) mysql: store::Settings,
}

/// For commands that store: a number that was lost sight of is asked for in Redis.
#[derive(Debug, Deserialize)]
pub(crate) struct Letters {
    pub(crate) mysql: store::Settings,
    pub(crate) redis: sequencer::Settings,
}

/// For what concerns numbers: MySQL, Redis and RabbitMQ guard them together.
#[derive(Debug, Deserialize)]
pub(crate) struct Numbers {
    pub(crate) mysql: store::Settings,
    pub(crate) redis: sequencer::Settings,
    pub(crate) amqp: broker::Settings,
}

/// For commands that look at the queues only.
#[derive(Debug, Deserialize)]
pub(crate) struct Queues {
    pub(crate) amqp: broker::Settings,
}

/// All sections that a command uses, whatever they hold: to show them.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "what is shown is found by the fields' names")]
struct Shown {
    mysql: IgnoredAny,
    redis: IgnoredAny,
    amqp: IgnoredAny,
    elasticsearch: IgnoredAny,
    consumer: IgnoredAny,
}

/// Prints the settings in force, of all sections that a command uses, unless they cannot work.
pub(crate) fn check() -> Result<()> {
    let Compared { mysql, elasticsearch, consumer } = config::load(None)?;
    mysql.check()?;
    elasticsearch.check()?;
    consumer.check()?;
    if let Some(Letters { redis, .. }) = if_set()? {
        redis.check()?;
    }
    if_set::<Queues>()?;
    say::text(format_args!("{}", config::redacted::<Shown>(None)?))?;
    Ok(())
}

/// Settings that most commands do without: not all of them need to be there.
fn if_set<T: DeserializeOwned>() -> Result<Option<T>, service::Error> {
    match config::load(None) {
        Ok(settings) => Ok(Some(settings)),
        Err(service::Error::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
