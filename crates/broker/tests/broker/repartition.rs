//! Another number of partitions: only while nothing waits, and nobody who believes in the number of before publishes behind it.

use broker::{Counts, Error, PublishError, Publisher, Repartition};
use events::{Epoch, PartitionCount};
use lapin::{
    options::{QueueDeclareOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable},
};

use crate::support::{PATIENCE, System, item, soon, until};

fn count(number: u16) -> PartitionCount {
    PartitionCount::new(number).unwrap()
}

fn busy(outcome: Result<PartitionCount, Error>) -> String {
    match outcome {
        Err(Error::Busy(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(Error::WrongTopology(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

/// What a change leaves that was broken off.
async fn leave_a_note(system: &System, from: u16) {
    let (_connection, channel) = system.channel().await;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(i32::from(from)));
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(system.topology().change_note().as_str().into(), options, arguments).await.unwrap();
}

async fn delete_marker(system: &System) {
    let (_connection, channel) = system.channel().await;
    let marker = system.topology().partition_marker();
    channel.queue_delete(marker.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_changes_only_while_nothing_waits_and_nobody_consumes() {
    let system = System::new();
    let operator = Repartition::connect(&system.settings).await.unwrap();
    assert_eq!(operator.counts().await.unwrap(), Counts { current: None, leaving: None });
    assert!(busy(operator.change(count(1)).await).contains("no queues yet"));

    let publisher = system.publisher().await;
    let publish = async |epoch, number| publisher.publish(Epoch::new(epoch), system.partition(1), item(number), soon()).await;
    assert_eq!(publish(1, 1).await, Ok(()));
    assert_eq!(operator.counts().await.unwrap(), Counts { current: Some(count(2)), leaving: None });
    let sentence = busy(operator.change(count(1)).await);
    assert!(sentence.contains("chat.writes.1 holds a message"), "{sentence}");
    // Nothing has changed: all goes on, and what waited still waits.
    assert_eq!(publish(1, 2).await, Ok(()));
    assert_eq!(system.stored(system.partition(1)).await.concat(), [1, 2]);

    let (consumer, _streams) = system.consumer().await;
    let sentence = busy(operator.change(count(1)).await);
    assert!(sentence.contains("has a consumer"), "{sentence}");
    consumer.close().await;
    publisher.confirm_partitions().await.unwrap();

    assert_eq!(operator.change(count(1)).await.unwrap(), count(2));
    assert_eq!(operator.counts().await.unwrap(), Counts { current: Some(count(1)), leaving: None });
    assert_eq!(operator.depths(count(2)).await.unwrap().len(), 1);
    assert_eq!(operator.change(count(1)).await.unwrap(), count(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_connected_before_the_change_publishes_nothing_behind_it() {
    let system = System::new();
    let operator = Repartition::connect(&system.settings).await.unwrap();
    let publisher = system.publisher().await;
    assert_eq!(operator.change(count(1)).await.unwrap(), count(2));

    // Into a queue that is still there: its epoch is not bound any more, and it can bind no other.
    let lost = publisher.publish(Epoch::new(1), system.partition(0), item(1), soon()).await;
    assert_eq!(lost, Err(PublishError::Returned));
    assert!(refused(publisher.confirm_partitions().await).contains("has 1 partitions, this service is configured for 2"));
    assert!(refused(publisher.bind(Epoch::new(2)).await).contains("has 1 partitions"));

    assert_eq!(operator.change(count(2)).await.unwrap(), count(1));
    until("its number is right again", async || publisher.confirm_partitions().await.is_ok()).await;
    let lost = publisher.publish(Epoch::new(1), system.partition(0), item(2), soon()).await;
    assert_eq!(lost, Err(PublishError::Returned));
    publisher.bind(Epoch::new(3)).await.unwrap();
    assert_eq!(publisher.publish(Epoch::new(3), system.partition(1), item(3), soon()).await, Ok(()));
    assert_eq!(system.stored(system.partition(1)).await.concat(), [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_broken_off_keeps_services_out_until_it_is_finished_or_taken_back() {
    let system = System::new();
    let publisher = system.publisher().await;
    let operator = Repartition::connect(&system.settings).await.unwrap();
    leave_a_note(&system, 2).await;
    assert!(refused(publisher.confirm_partitions().await).contains("is being changed"));
    let late = Publisher::start(&system.settings, system.shutdown.clone());
    assert!(refused(late.connected(PATIENCE).await).contains("`chatctl partitions change` finishes it"));
    assert_eq!(operator.counts().await.unwrap(), Counts { current: Some(count(2)), leaving: Some(count(2)) });

    // What arrived at the last moment must be stored first, so whoever stores is let in again.
    assert_eq!(publisher.publish(Epoch::new(1), system.partition(0), item(1), soon()).await, Ok(()));
    assert!(busy(operator.change(count(1)).await).contains("holds a message"));
    publisher.confirm_partitions().await.unwrap();
    assert_eq!(system.stored(system.partition(0)).await.concat(), [1]);

    // At its worst moment: there is no number at all.
    leave_a_note(&system, 2).await;
    delete_marker(&system).await;
    assert!(refused(publisher.confirm_partitions().await).contains("is being changed"));
    assert_eq!(operator.change(count(1)).await.unwrap(), count(2));
    assert_eq!(operator.counts().await.unwrap(), Counts { current: Some(count(1)), leaving: None });
    leave_a_note(&system, 1).await;
    delete_marker(&system).await;
    assert_eq!(operator.change(count(2)).await.unwrap(), count(1));
    assert_eq!(operator.depths(count(2)).await.unwrap().len(), 2);
    assert_eq!(operator.counts().await.unwrap(), Counts { current: Some(count(2)), leaving: None });
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_at_a_time_changes_the_number() {
    let system = System::new();
    let _publisher = system.publisher().await;
    let (other, channel) = system.channel().await;
    let name = system.topology().changer();
    let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    let mut classic = FieldTable::default();
    classic.insert("x-queue-type".into(), AMQPValue::LongString("classic".into()));
    channel.queue_declare(name.as_str().into(), options, classic).await.unwrap();
    let operator = Repartition::connect(&system.settings).await.unwrap();
    assert!(busy(operator.change(count(1)).await).contains("another process"));
    other.close(200, "done".into()).await.unwrap();
    // The broker removes what was the other's alone a moment after its connection has ended.
    let mut changed = None;
    until("it may be changed", async || match operator.change(count(1)).await {
        Err(Error::Busy(_)) => false,
        outcome => {
            changed = Some(outcome.unwrap());
            true
        }
    })
    .await;
    assert_eq!(changed, Some(count(2)));
}
