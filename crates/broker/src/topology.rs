//! Declares exchange, queues and the marker of their number. Declaring is idempotent: every connection does it anew, so that
//! a broker that lost everything is furnished again by whoever comes first.
//!
//! Bindings are not made here: an epoch's keys are bound by its opener alone (see `bindings`). Nor is the number of partitions
//! changed here (see `repartition`); while it is, or when it is another, this refuses.

use std::time::Duration;

use events::{Partition, Topology};
use lapin::{
    Channel, ErrorKind, ExchangeKind, Queue,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::{AMQPValue, FieldTable},
};
use tokio::time::sleep;

use crate::{Error, session::Session};

/// RabbitMQ 4 drops a message after 20 redeliveries unless told otherwise, and -1 for "never" is not known to RabbitMQ 3. A
/// poisoned message is isolated by the consumer, never by counting.
const DELIVERY_LIMIT: i32 = i32::MAX;

/// Nobody's count.
const NO_COUNT: u16 = 0;

const DURABLE: QueueDeclareOptions =
    QueueDeclareOptions { passive: false, durable: true, exclusive: false, auto_delete: false, nowait: false };

/// Declares everything, on channels of its own: a refusal closes the channel.
///
/// Where there is no marker the queues are new. They rest for `settling_time` before the marker is made, so that whoever finds
/// the marker finds queues that survive a crash: a quorum queue's name is noted in a file that is saved up to a second later
/// (`ra_directory`, `auto_save`), and RabbitMQ starts a queue whose name it does not find as an empty one, whatever it had
/// confirmed.
///
/// # Errors
/// [`Error::WrongTopology`] when the broker holds one of the names with other arguments, above all another partition count.
pub(crate) async fn declare(session: &Session, topology: &Topology, settling_time: Duration) -> Result<(), Error> {
    refuse_while_changing(session, topology).await?;
    let is_settled = find(session, topology.partition_marker()).await?.is_some();
    let channel = session.channel().await?;
    // First, so that a service configured otherwise is refused before it leaves anything behind.
    if is_settled {
        declare_marker(&channel, topology).await?;
    }
    declare_exchange(&channel, topology.dead()).await?;
    declare_queue(&channel, topology.dead(), quorum_arguments()).await?;
    let dead = topology.dead();
    channel
        .queue_bind(
            dead.as_str().into(),
            dead.as_str().into(),
            dead.as_str().into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await
        .map_err(Error::amqp("bind the dead letter queue"))?;

    declare_exchange(&channel, topology.exchange()).await?;
    for partition in topology.partitions().all() {
        declare_partition(&channel, topology, partition).await?;
    }
    if !is_settled {
        sleep(settling_time).await;
        declare_marker(&channel, topology).await?;
    }
    Ok(())
}

/// Whether the queues are still those that this process is configured for. It makes nothing.
///
/// # Errors
/// [`Error::WrongTopology`] when they are not.
pub(crate) async fn confirm(session: &Session, topology: &Topology) -> Result<(), Error> {
    refuse_while_changing(session, topology).await?;
    if find(session, topology.partition_marker()).await?.is_none() {
        return Err(Error::WrongTopology(format!("the queues of {} are gone", topology.exchange())));
    }
    declare_marker(&session.channel().await?, topology).await
}

async fn refuse_while_changing(session: &Session, topology: &Topology) -> Result<(), Error> {
    if find(session, topology.change_note()).await?.is_none() {
        return Ok(());
    }
    Err(Error::WrongTopology(format!(
        "the number of partitions of {} is being changed: `chatctl partitions change` finishes it, then start this service anew",
        topology.exchange(),
    )))
}

/// The queue of this name, if there is one. On a channel of its own: the answer that there is none closes it.
pub(crate) async fn find(session: &Session, name: String) -> Result<Option<Queue>, Error> {
    let options = QueueDeclareOptions { passive: true, ..DURABLE };
    let channel = session.channel().await?;
    match channel.queue_declare(name.as_str().into(), options, FieldTable::default()).await {
        Ok(queue) => {
            let _ = channel.close(200, "done".into()).await;
            Ok(Some(queue))
        }
        Err(error) if is_refused_as(&error, AMQPSoftError::NOTFOUND) => Ok(None),
        Err(source) => Err(Error::Amqp { action: "look for a queue", source }),
    }
}

/// The count that a marker of this name has, if there is one: RabbitMQ tells it when it is asked for another. On a channel of its
/// own, which that closes.
pub(crate) async fn marked(session: &Session, name: String) -> Result<Option<u16>, Error> {
    if find(session, name.clone()).await?.is_none() {
        return Ok(None);
    }
    match declare_queue(&session.channel().await?, name, marker_arguments(NO_COUNT)).await {
        Err(Error::WrongTopology(refusal)) => match current_value(&refusal).and_then(|value| value.parse().ok()) {
            Some(count) => Ok(Some(count)),
            None => Err(Error::WrongTopology(refusal)),
        },
        Err(error) => Err(error),
        // Somebody else removed it a moment ago, and now it was made by the question.
        Ok(()) => Err(Error::Busy("the queues are being removed".to_owned())),
    }
}

pub(crate) async fn declare_marker(channel: &Channel, topology: &Topology) -> Result<(), Error> {
    let count = topology.partitions().get();
    let declared = declare_note(channel, topology.partition_marker(), count).await;
    declared.map_err(|error| other_count(error, topology, count))
}

/// A queue that holds nothing and has a count.
pub(crate) async fn declare_note(channel: &Channel, name: String, count: u16) -> Result<(), Error> {
    declare_queue(channel, name, marker_arguments(count)).await
}

pub(crate) async fn declare_partition(channel: &Channel, topology: &Topology, partition: Partition) -> Result<(), Error> {
    declare_queue(channel, topology.queue(partition), partition_arguments(topology)).await
}

pub(crate) async fn declare_exchange(channel: &Channel, name: String) -> Result<(), Error> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let declared = channel.exchange_declare(name.as_str().into(), ExchangeKind::Direct, options, FieldTable::default()).await;
    declared.map_err(|source| refusal("declare an exchange", source))
}

async fn declare_queue(channel: &Channel, name: String, arguments: FieldTable) -> Result<(), Error> {
    let declared = channel.queue_declare(name.as_str().into(), DURABLE, arguments).await;
    declared.map(drop).map_err(|source| refusal("declare a queue", source))
}

fn quorum_arguments() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(DELIVERY_LIMIT));
    arguments
}

/// One active consumer keeps the order; the others stand by. Whatever the broker itself ever expels goes to the dead letter
/// queue, and only once it is stored there (which RabbitMQ grants to queues that refuse rather than drop when full).
fn partition_arguments(topology: &Topology) -> FieldTable {
    let mut arguments = quorum_arguments();
    arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    arguments.insert("x-dead-letter-exchange".into(), text(&topology.dead()));
    arguments.insert("x-dead-letter-routing-key".into(), text(&topology.dead()));
    arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments
}

fn marker_arguments(count: u16) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(i32::from(count)));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

/// PRECONDITION_FAILED on a declaration means: the name is there, with other arguments.
fn refusal(action: &'static str, source: lapin::Error) -> Error {
    match source.kind() {
        ErrorKind::ProtocolError(error) if is_refused_as(&source, AMQPSoftError::PRECONDITIONFAILED) => {
            Error::WrongTopology(format!("the broker holds another topology than this service needs: {}", error.get_message()))
        }
        _ => Error::Amqp { action, source },
    }
}

pub(crate) fn is_refused_as(error: &lapin::Error, kind: AMQPSoftError) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(error) if *error.kind() == AMQPErrorKind::Soft(kind))
}

fn other_count(error: Error, topology: &Topology, configured: u16) -> Error {
    let Error::WrongTopology(refusal) = error else { return error };
    let there = current_value(&refusal).unwrap_or("another number of");
    Error::WrongTopology(format!(
        "{} has {there} partitions, this service is configured for {configured}: set amqp.partitions to what is there; `chatctl partitions change` changes it",
        topology.exchange(),
    ))
}

/// The count that the broker names: "… received '5' but current is '4'", in RabbitMQ 3 "… but current is the value '4' of type
/// …".
fn current_value(refusal: &str) -> Option<&str> {
    let (_, current) = refusal.split_once("current is ")?;
    current.split('\'').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_that_is_there_is_read_from_the_refusal() {
        let now =
            "inequivalent arg 'x-max-length' for queue 'chat.writes.partitions' in vhost '/': received '5' but current is '4'";
        let before = "inequivalent arg 'x-max-length' for queue 'chat.writes.partitions' in vhost '/': \
                      received the value '5' of type 'signedint' but current is the value '4' of type 'signedint'";
        assert_eq!((current_value(now), current_value(before)), (Some("4"), Some("4")));
        assert_eq!(current_value("PRECONDITION_FAILED"), None);
    }
}
