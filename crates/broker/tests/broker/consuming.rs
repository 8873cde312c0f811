//! What a consumer promises while the broker is well.

use broker::{Consumer, Event, Settled};
use events::Epoch;
use lapin::options::QueueDeleteOptions;
use tokio::time::timeout;

use crate::support::{PATIENCE, System, is_silent, item, next, numbers, soon, until};

const EPOCH: u64 = 1;

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_what_the_active_one_did_not_settle() {
    let system = System::new();
    let publisher = system.publisher().await;
    let (active, mut streams) = system.consumer().await;
    until("a consumer is active", async || active.depths().await.unwrap()[0].is_consumed).await;
    let (standby, mut waiting) = system.consumer().await;
    for number in 1..=4 {
        publisher.publish(Epoch::new(EPOCH), system.partition(0), item(number), soon()).await.unwrap();
    }
    assert_eq!(next(&mut streams[0]).await.ack().await, Settled::Done);
    let unsettled = next(&mut streams[0]).await;
    assert!(is_silent(&mut waiting[0]).await);
    assert!(standby.check().is_ok());

    active.close().await;
    let taken = next(&mut waiting[0]).await;
    assert_eq!(numbers(&taken.payload), numbers(&unsettled.payload));
    assert!(taken.redelivered);
    assert_eq!(unsettled.ack().await, Settled::Stale);
    let mut numbers_taken = numbers(&taken.payload);
    while numbers_taken.len() < 3 {
        numbers_taken.extend(numbers(&next(&mut waiting[0]).await.payload));
    }
    assert_eq!(numbers_taken, [2, 3, 4]);
    standby.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_gets_nothing_before_the_active_one_has_given_everything_back() {
    let mut system = System::new();
    system.settings.prefetch = std::num::NonZeroU16::new(4).unwrap();
    let publisher = system.publisher().await;
    let shutdown = system.shutdown.child_token();
    let (active, mut streams) = Consumer::start(&system.settings, shutdown.clone());
    active.connected(PATIENCE).await.unwrap();
    until("a consumer is active", async || active.depths().await.unwrap()[0].is_consumed).await;
    let (standby, mut waiting) = system.consumer().await;
    for number in 1..=12 {
        publisher.publish(Epoch::new(EPOCH), system.partition(0), item(number), soon()).await.unwrap();
    }
    let _held = next(&mut streams[0]).await;
    until("the prefetch is used up", async || active.depths().await.unwrap()[0].messages == 8).await;

    // Neither its shutdown nor the loss of its stream makes way for the standby: only its end does.
    shutdown.cancel();
    drop(streams);
    assert!(is_silent(&mut waiting[0]).await);
    active.close().await;
    for number in 1..=12 {
        let delivery = next(&mut waiting[0]).await;
        assert_eq!(numbers(&delivery.payload), [number]);
        assert_eq!(delivery.ack().await, Settled::Done);
    }
    standby.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_ack_settles_all_before_it() {
    let system = System::new();
    let publisher = system.publisher().await;
    let (consumer, mut streams) = system.consumer().await;
    for number in 1..=5 {
        publisher.publish(Epoch::new(EPOCH), system.partition(1), item(number), soon()).await.unwrap();
    }
    let mut deliveries = Vec::new();
    for _ in 1..=5 {
        deliveries.push(next(&mut streams[1]).await);
    }
    assert_eq!(deliveries[3].ack_through().await, Settled::Done);
    assert_eq!(deliveries[3].ack().await, Settled::Stale, "it is settled already");
    consumer.close().await;
    assert_eq!(system.stored(system.partition(1)).await, [[5]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_delivered_than_the_prefetch_allows() {
    let mut system = System::new();
    system.settings.prefetch = std::num::NonZeroU16::new(3).unwrap();
    let publisher = system.publisher().await;
    let (consumer, mut streams) = system.consumer().await;
    for number in 1..=5 {
        publisher.publish(Epoch::new(EPOCH), system.partition(0), item(number), soon()).await.unwrap();
    }
    let mut held = Vec::new();
    for _ in 1..=3 {
        held.push(next(&mut streams[0]).await);
    }
    assert!(is_silent(&mut streams[0]).await);
    until("two are left", async || consumer.depths().await.unwrap()[0].messages == 2).await;
    assert_eq!(held[0].ack().await, Settled::Done);
    assert_eq!(numbers(&next(&mut streams[0]).await.payload), [4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_decoded_is_kept_byte_for_byte() {
    let system = System::new();
    let _publisher = system.publisher().await;
    let (consumer, mut streams) = system.consumer().await;
    let (_connection, channel) = system.channel().await;
    let payload: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for _ in 0..2 {
        let queue = system.topology().queue(system.partition(0));
        let published = channel.basic_publish("".into(), queue.as_str().into(), Default::default(), &payload, Default::default());
        published.await.unwrap();
    }
    let first = next(&mut streams[0]).await;
    consumer.publish_dead(&first.payload, "not an envelope").await.unwrap();
    assert_eq!(first.ack().await, Settled::Done);
    let second = next(&mut streams[0]).await;
    assert_eq!(second.reject_to_dead().await, Settled::Done);

    let mut dead = Vec::new();
    until("both are dead", async || {
        dead.extend(system.empty(system.topology().dead()).await);
        dead.len() == 2
    })
    .await;
    assert!(dead.iter().all(|message| message.data == payload));
    let headers = dead[0].properties.headers().as_ref().unwrap().inner();
    let reason = headers["x-chat-reason"].as_long_string().unwrap();
    assert_eq!(reason.as_bytes(), b"not an envelope");
    consumer.close().await;
    assert!(system.stored(system.partition(0)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_out_before_shutdown_can_be_acknowledged_after_it_and_the_rest_stays() {
    let mut system = System::new();
    system.settings.prefetch = std::num::NonZeroU16::new(8).unwrap();
    let publisher = system.publisher().await;
    for number in 1..=20 {
        publisher.publish(Epoch::new(EPOCH), system.partition(0), item(number), soon()).await.unwrap();
    }
    let shutdown = system.shutdown.child_token();
    let (consumer, mut streams) = Consumer::start(&system.settings, shutdown.clone());
    let first = next(&mut streams[0]).await;
    until("the prefetch is used up", async || consumer.depths().await.is_ok_and(|depths| depths[0].messages == 12)).await;
    shutdown.cancel();

    let mut held = vec![first];
    while let Some(event) = timeout(PATIENCE, streams[0].next()).await.expect("the stream ends") {
        let Event::Delivery(delivery) = event else { panic!("{event:?}") };
        held.push(delivery);
    }
    // What the broker had sent and nobody had taken from the connection yet goes back.
    let got: Vec<u64> = held.iter().flat_map(|delivery| numbers(&delivery.payload)).collect();
    let last = got.len() as u64;
    assert!(last <= 8 && got.iter().copied().eq(1..=last), "{got:?}");
    assert_eq!(held.last().unwrap().ack_through().await, Settled::Done);
    consumer.close().await;
    assert_eq!(system.stored(system.partition(0)).await.concat(), (last + 1..=20).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_queue_is_declared_and_consumed_anew() {
    let system = System::new();
    let publisher = system.publisher().await;
    let (_consumer, mut streams) = system.consumer().await;
    let (epoch, partition) = (Epoch::new(EPOCH), system.partition(0));
    publisher.publish(epoch, partition, item(1), soon()).await.unwrap();
    let held = next(&mut streams[0]).await;

    let (_connection, channel) = system.channel().await;
    let queue = system.topology().queue(partition);
    channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    let event = timeout(PATIENCE, streams[0].next()).await.expect("the loss is told");
    assert!(matches!(event, Some(Event::Reset)), "{event:?}");
    assert!(!held.is_current());
    assert_eq!(held.ack().await, Settled::Stale);

    // The binding went with the queue, so the epoch has ended; its successor is bound to the new queue.
    publisher.bind(Epoch::new(2)).await.unwrap();
    publisher.publish(Epoch::new(2), partition, item(2), soon()).await.unwrap();
    assert_eq!(numbers(&next(&mut streams[0]).await.payload), [2]);
}
