//! The settings that the commands use: the same sections, from the same places, as the services'.

use anyhow::Result;
use serde::Deserialize;
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

/// Prints the settings in force.
pub(crate) fn check() -> Result<()> {
    say::text(format_args!("{}", config::redacted::<Stores>(None)?))?;
    Ok(())
}
