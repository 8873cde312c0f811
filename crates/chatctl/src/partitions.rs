//! `chatctl partitions`: how many queues creates are spread over, what waits in them, and another number of them. What makes the
//! change safe is `broker::Repartition`'s; here it is asked for, and told.

use anyhow::{Context, Result};
use broker::{Counts, Depth, Repartition};
use clap::Subcommand;
use events::PartitionCount;
use say::say;
use service::config;

use crate::{
    config::Queues,
    text::{count, table},
};

/// What to do with the partitions.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print how many there are, and what waits in each
    Show,
    /// Change their number, while ingest and all consumers are stopped and nothing waits
    #[command(long_about = CHANGE)]
    Change(Change),
}

const CHANGE: &str = "\
Change the number of partitions.

  1. Stop every ingest: creates are refused from here on. The api may run on, and reads are answered.
  2. `chatctl partitions show` until nothing waits in any queue.
  3. Stop every consumer.
  4. `chatctl partitions change N`.
  5. Set amqp.partitions (CHAT__AMQP__PARTITIONS) to N for all services. Start consumers, then ingest; replace each api.

It refuses, and changes nothing, while something waits or is consumed. If it is broken off, run it again: until it has come to its
end no service starts. With the number of before it takes back what was broken off.

Never use another amqp.prefix in its place: the fences that keep numbers apart would not reach what waits in the old queues.";

/// To which number.
#[derive(Debug, clap::Args)]
pub(crate) struct Change {
    /// How many there are to be
    #[arg(value_name = "N", value_parser = number)]
    to: PartitionCount,
}

/// Does it.
///
/// # Errors
/// When RabbitMQ is not there or refuses, or the queues are in use.
pub(crate) async fn run(command: Command) -> Result<()> {
    let settings: Queues = config::load(None)?;
    let queues = Repartition::connect(&settings.amqp).await.context("RabbitMQ cannot be asked")?;
    match command {
        Command::Show => show(&queues).await,
        Command::Change(Change { to }) => change(&queues, to).await,
    }
}

async fn show(queues: &Repartition) -> Result<()> {
    let Counts { current, leaving } = queues.counts().await?;
    if let Some(leaving) = leaving {
        say!(
            "a change from {} was broken off, and no service starts: `chatctl partitions change N` finishes it",
            partitions(leaving)
        );
    }
    let Some(current) = current.or(leaving) else {
        say!("there are no queues yet: services make them when they are started for the first time");
        return Ok(());
    };
    let depths = queues.depths(current).await?;
    let head = ["partition", "waiting", "consumer"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(head).chain(depths.iter().map(row)).collect();
    say::text(format_args!("{}", table(&rows)))?;
    let waiting = depths.iter().map(|depth| u64::from(depth.messages)).sum();
    say!("{}; {} of creates waiting, besides what consumers hold", partitions(current), count(waiting, "group", "groups"));
    Ok(())
}

fn row(depth: &Depth) -> Vec<String> {
    let consumer = if depth.is_consumed { "yes" } else { "none" };
    vec![depth.partition.to_string(), depth.messages.to_string(), consumer.to_owned()]
}

async fn change(queues: &Repartition, to: PartitionCount) -> Result<()> {
    let from = queues.change(to).await?;
    if from == to {
        say!("{}, as before", partitions(to));
    } else {
        say!("{}, {} before", partitions(to), from.get());
    }
    say!("set CHAT__AMQP__PARTITIONS={} for all services; start consumers, then ingest, and replace each api", to.get());
    Ok(())
}

fn partitions(number: PartitionCount) -> String {
    count(number.get().into(), "partition", "partitions")
}

fn number(text: &str) -> Result<PartitionCount, String> {
    text.parse().ok().and_then(PartitionCount::new).ok_or_else(|| format!("a number from 1 to {}", u16::MAX))
}
