//! What a fence's answer means.

use std::time::{Duration, Instant};

use broker::{FenceError, Settled};
use events::Epoch;

use futures_util::future::join_all;

use crate::{
    parted::Parted,
    support::{System, is_fence, is_silent, item, next, numbers, soon, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_is_answered_behind_all_that_stood_before_it() {
    let system = System::new();
    let publisher = system.publisher().await;
    let (consumer, mut streams) = system.consumer().await;
    let (epoch, partition) = (Epoch::new(1), system.partition(0));
    for number in 1..=3 {
        publisher.publish(epoch, partition, item(number), soon()).await.unwrap();
    }
    let asking = publisher.clone();
    let fence = tokio::spawn(async move { asking.fence(epoch, partition, soon()).await });

    let mut before = Vec::new();
    let asked = loop {
        let delivery = next(&mut streams[0]).await;
        if is_fence(&delivery) {
            break delivery;
        }
        before.extend(numbers(&delivery.payload));
        assert_eq!(delivery.ack().await, Settled::Done);
    };
    assert_eq!(before, [1, 2, 3]);
    assert!(!fence.is_finished());
    assert_eq!(consumer.answer_fence(&asked).await.unwrap(), Settled::Done);
    assert_eq!(asked.ack().await, Settled::Done);
    assert_eq!(fence.await.unwrap(), Ok(()));
}

/// Answers have a connection of their own, which may be lost while deliveries go on: nobody would ask again before the deadline.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_waits_for_its_connection_if_that_was_lost_just_then() {
    let mut system = System::new();
    let publisher = system.publisher().await;
    let way = Parted::before(&system.address(), "chat answers").await;
    system.go_by(way.address());
    let (consumer, mut streams) = system.consumer().await;
    let (epoch, partition) = (Epoch::new(1), system.partition(0));
    let fence = tokio::spawn(async move { publisher.fence(epoch, partition, soon()).await });
    let asked = next(&mut streams[0]).await;
    way.cut();
    until("the loss is noticed", async || consumer.connected(Duration::ZERO).await.is_err()).await;
    // The first attempt is made before there is a way again.
    let (answered, ()) = tokio::join!(consumer.answer_fence(&asked), async { way.mend() });
    assert_eq!(answered.unwrap(), Settled::Done);
    assert_eq!(asked.ack().await, Settled::Done);
    assert_eq!(fence.await.unwrap(), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_shares_a_fence_that_was_published_before_he_asked() {
    let system = System::new();
    let publisher = system.publisher().await;
    let (consumer, mut streams) = system.consumer().await;
    let (epoch, partition) = (Epoch::new(1), system.partition(0));
    let ask = || {
        let publisher = publisher.clone();
        tokio::spawn(async move { publisher.fence(epoch, partition, soon()).await })
    };

    let early = ask();
    let first = next(&mut streams[0]).await;
    let late = [ask(), ask(), ask()];
    // One fence is in flight: those that come now wait for the next.
    assert!(is_silent(&mut streams[0]).await);
    let _ = consumer.answer_fence(&first).await.unwrap();
    assert_eq!(early.await.unwrap(), Ok(()));
    let second = next(&mut streams[0]).await;
    assert!(late.iter().all(|late| !late.is_finished()));
    let _ = consumer.answer_fence(&second).await.unwrap();
    for late in late {
        assert_eq!(late.await.unwrap(), Ok(()));
    }
    assert_eq!(second.ack_through().await, Settled::Done);
    assert!(is_silent(&mut streams[0]).await, "three that waited share one fence");
}

/// On one thread, as in ingest: nobody looks at the first request before the last one was made.
#[tokio::test]
async fn a_herd_that_asks_in_one_moment_is_answered_to_the_last() {
    let system = System::new();
    let publisher = system.publisher().await;
    let (consumer, mut streams) = system.consumer().await;
    let (epoch, partition) = (Epoch::new(1), system.partition(0));
    let ask = || {
        let publisher = publisher.clone();
        tokio::spawn(async move { publisher.fence(epoch, partition, soon()).await })
    };
    let herd: Vec<_> = (0..2_000).map(|_| ask()).collect();
    let answering = tokio::spawn(async move {
        loop {
            let asked = next(&mut streams[0]).await;
            let _ = consumer.answer_fence(&asked).await.unwrap();
            assert_eq!(asked.ack().await, Settled::Done);
        }
    });
    let answers = join_all(herd).await;
    answering.abort();
    let refused = answers.into_iter().filter(|answer| !matches!(answer, Ok(Ok(())))).count();
    assert_eq!(refused, 0, "of 2,000");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_consumer_a_fence_is_unanswered_at_its_deadline_and_the_next_one_works() {
    let system = System::new();
    let publisher = system.publisher().await;
    let (epoch, partition) = (Epoch::new(1), system.partition(0));
    let start = Instant::now();
    let unanswered = publisher.fence(epoch, partition, start + Duration::from_millis(400)).await;
    assert_eq!(unanswered, Err(FenceError::Unanswered));
    assert!((400..3_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());

    let (consumer, mut streams) = system.consumer().await;
    let answering = tokio::spawn(async move {
        loop {
            let delivery = next(&mut streams[0]).await;
            let _ = consumer.answer_fence(&delivery).await.unwrap();
            let _ = delivery.ack().await;
        }
    });
    assert_eq!(publisher.fence(epoch, partition, soon()).await, Ok(()));
    answering.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_epochs_are_unbound_also_those_that_nobody_names() {
    let system = System::new();
    let (publisher, operator) = (system.publisher().await, system.publisher().await);
    for epoch in [5, 7] {
        publisher.bind(Epoch::new(epoch)).await.unwrap();
    }
    operator.unbind_all().await.unwrap();
    for epoch in [5, 7] {
        let fence = publisher.fence(Epoch::new(epoch), system.partition(1), soon()).await;
        assert_eq!(fence, Err(FenceError::Returned), "epoch {epoch}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fence_of_an_unbound_epoch_is_returned() {
    let system = System::new();
    let publisher = system.publisher().await;
    let start = Instant::now();
    assert_eq!(publisher.fence(Epoch::new(5), system.partition(1), soon()).await, Err(FenceError::Returned));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}
