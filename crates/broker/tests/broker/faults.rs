//! What holds while the broker is killed, paused, or out of memory. Each test has a broker of its own.

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use broker::{Error, Event, FenceError, PublishError, Publisher, Settled};
use devstack::{Quiet, Server, Stack, StackOptions};
use events::{Epoch, Partition};
use futures_util::future::join_all;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, System, item, next, numbers, soon, until};

const EPOCH: u64 = 1;

async fn rabbitmq() -> Stack {
    Stack::up(StackOptions::only([Server::Rabbitmq]), &Quiet).await.unwrap()
}

/// Clients that create one item after the other until told to stop.
struct Load {
    stop: CancellationToken,
    confirmed: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Outcomes>>,
}

#[derive(Default)]
struct Outcomes {
    confirmed: Vec<u64>,
    unsure: Vec<u64>,
    slowest: Duration,
}

impl Load {
    fn start(publisher: &Publisher, partition: Partition, clients: u64) -> Self {
        let (stop, confirmed) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
        let client = |client| {
            let (publisher, stop, count) = (publisher.clone(), stop.clone(), confirmed.clone());
            tokio::spawn(async move {
                let mut outcomes = Outcomes::default();
                let mut number = client + 1;
                while !stop.is_cancelled() {
                    let start = Instant::now();
                    let deadline = start + Duration::from_secs(1);
                    match publisher.publish(Epoch::new(EPOCH), partition, item(number), deadline).await {
                        Ok(()) => {
                            outcomes.confirmed.push(number);
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(PublishError::Unconfirmed) => outcomes.unsure.push(number),
                        // As a client would: it is refused at once, and comes again.
                        Err(PublishError::Unavailable) => tokio::time::sleep(Duration::from_millis(5)).await,
                        Err(PublishError::Expired) => (),
                        Err(error) => panic!("{error}"),
                    }
                    outcomes.slowest = outcomes.slowest.max(start.elapsed());
                    number += clients;
                }
                outcomes
            })
        };
        let clients = (0..clients).map(client).collect();
        Self { stop, confirmed, clients }
    }

    /// Waits until another thousand items are confirmed.
    async fn makes_progress(&self) {
        let goal = self.confirmed.load(Ordering::Relaxed) + 1_000;
        until("items are confirmed", async || self.confirmed.load(Ordering::Relaxed) >= goal).await;
    }

    async fn end(self) -> Outcomes {
        self.stop.cancel();
        let mut all = Outcomes::default();
        for outcomes in join_all(self.clients).await {
            let outcomes = outcomes.unwrap();
            all.confirmed.extend(outcomes.confirmed);
            all.unsure.extend(outcomes.unsure);
            all.slowest = all.slowest.max(outcomes.slowest);
        }
        all
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_loses_nothing_confirmed_and_publishing_resumes_by_itself() {
    let stack = rabbitmq().await;
    let system = System::at(&stack.urls().amqp);
    let publisher = system.publisher().await;
    let load = Load::start(&publisher, system.partition(0), 64);
    load.makes_progress().await;

    stack.kill(Server::Rabbitmq).await.unwrap();
    until("items are refused", async || publisher.accepting(1) == Err(PublishError::Unavailable)).await;
    let start = Instant::now();
    let refused = publisher.publish(Epoch::new(EPOCH), system.partition(0), item(1), soon()).await;
    assert_eq!(refused, Err(PublishError::Unavailable));
    assert_eq!(publisher.fence(Epoch::new(EPOCH), system.partition(0), soon()).await, Err(FenceError::Unavailable));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());

    stack.start(Server::Rabbitmq).await.unwrap();
    let start = Instant::now();
    load.makes_progress().await;
    let resumed = start.elapsed();
    let outcomes = load.end().await;
    println!("resumed {resumed:?} after its return; {} confirmed, {} unsure", outcomes.confirmed.len(), outcomes.unsure.len());
    assert!(resumed < Duration::from_secs(10), "{resumed:?}");
    assert!(outcomes.unsure.len() <= 64 && outcomes.slowest < Duration::from_secs(4), "{:?}", outcomes.slowest);

    let stored: std::collections::BTreeSet<u64> = system.stored(system.partition(0)).await.concat().into_iter().collect();
    let lost: Vec<&u64> = outcomes.confirmed.iter().filter(|number| !stored.contains(number)).collect();
    assert!(lost.is_empty(), "confirmed and lost: {lost:?}");
    let strange =
        stored.iter().filter(|number| !outcomes.confirmed.contains(number) && !outcomes.unsure.contains(number)).count();
    assert_eq!(strange, 0, "stored although their clients were told that they are not");
}

/// RabbitMQ notes the names of new quorum queues on disk a moment after it has made them, and after a crash starts one whose name
/// it does not find there as an empty queue: what it had confirmed is gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_queues_that_were_just_made_have_confirmed_survives_a_kill() {
    let stack = rabbitmq().await;
    let mut system = System::at(&stack.urls().amqp);
    system.settings.settle_ms = 2_000;
    let publisher = system.publisher().await;
    let partitions = [system.partition(0), system.partition(1)];
    for partition in partitions {
        publisher.publish(Epoch::new(EPOCH), partition, item(1), soon()).await.unwrap();
    }
    stack.kill(Server::Rabbitmq).await.unwrap();
    stack.start(Server::Rabbitmq).await.unwrap();
    until("the publisher is back", async || publisher.check().is_ok()).await;
    for partition in partitions {
        assert_eq!(system.stored(partition).await, [[1]], "partition {partition}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_of_a_killed_broker_is_told_and_gets_everything_again() {
    let stack = rabbitmq().await;
    let system = System::at(&stack.urls().amqp);
    let publisher = system.publisher().await;
    let (consumer, mut streams) = system.consumer().await;
    for number in 1..=3 {
        publisher.publish(Epoch::new(EPOCH), system.partition(0), item(number), soon()).await.unwrap();
    }
    assert_eq!(next(&mut streams[0]).await.ack().await, Settled::Done);
    let held = next(&mut streams[0]).await;

    stack.kill(Server::Rabbitmq).await.unwrap();
    for stream in &mut streams {
        // The third item may still be handed out: whether it is stale by then depends on who is faster.
        while let Event::Delivery(_) = timeout(PATIENCE, stream.next()).await.expect("the loss is told").unwrap() {}
    }
    assert_eq!(held.ack().await, Settled::Stale);
    assert!(matches!(consumer.check(), Err(Error::Unavailable)));

    stack.start(Server::Rabbitmq).await.unwrap();
    let start = Instant::now();
    let mut again = Vec::new();
    while again.last() != Some(&3) {
        let delivery = next(&mut streams[0]).await;
        again.extend(numbers(&delivery.payload));
        assert_eq!(delivery.ack().await, Settled::Done);
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    // The first one's ack may not have reached the disk.
    assert!(again == [2, 3] || again == [1, 2, 3], "{again:?}");
    consumer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_broker_fills_the_queue_and_every_caller_is_answered_in_time() {
    let stack = rabbitmq().await;
    let mut system = System::at(&stack.urls().amqp);
    system.settings.queue_capacity = NonZeroUsize::new(100).unwrap();
    let publisher = system.publisher().await;
    publisher.publish(Epoch::new(EPOCH), system.partition(0), item(1), soon()).await.unwrap();

    stack.pause(Server::Rabbitmq).unwrap();
    let start = Instant::now();
    let deadline = start + Duration::from_millis(1_300);
    // The first ones leave at once and await their confirms; then the queue fills.
    let mut sent = Vec::new();
    for number in 2..=5 {
        let mut publish = Box::pin(publisher.publish(Epoch::new(EPOCH), system.partition(0), item(number), deadline));
        assert!(futures_util::poll!(&mut publish).is_pending());
        sent.push(publish);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let publishes = (6..=305).map(|number| {
        let publisher = publisher.clone();
        let partition = system.partition(0);
        async move { (publisher.publish(Epoch::new(EPOCH), partition, item(number), deadline).await, start.elapsed()) }
    });
    let results = join_all(publishes).await;
    let of = |error: PublishError| results.iter().filter(move |(result, _)| *result == Err(error.clone()));
    assert_eq!(of(PublishError::QueueFull).count(), 200);
    assert!(of(PublishError::QueueFull).all(|(_, took)| *took < Duration::from_millis(1_200)), "at once");
    assert_eq!(of(PublishError::Expired).count(), 100);
    assert!(of(PublishError::Expired).all(|(_, took)| *took < Duration::from_secs(4)), "at the deadline");
    let confirms = join_all(sent).await;
    assert_eq!(confirms, vec![Err(PublishError::Unconfirmed); 4]);
    assert!(start.elapsed() < Duration::from_millis(2_500 + 3_000), "{:?}", start.elapsed());

    stack.resume(Server::Rabbitmq).unwrap();
    let start = Instant::now();
    until("publishing goes on", async || {
        publisher.publish(Epoch::new(EPOCH), system.partition(0), item(400), soon()).await.is_ok()
    })
    .await;
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let stored = system.stored(system.partition(0)).await.concat();
    assert!(stored.iter().all(|number| *number <= 5 || *number == 400), "what expired was never sent: {stored:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_short_of_memory_blocks_publishers_but_not_acknowledgements() {
    let stack = rabbitmq().await;
    let system = System::at(&stack.urls().amqp);
    let publisher = system.publisher().await;
    let (consumer, mut streams) = system.consumer().await;
    let (epoch, partition) = (Epoch::new(EPOCH), system.partition(0));
    for number in 1..=2 {
        publisher.publish(epoch, partition, item(number), soon()).await.unwrap();
    }
    let (first, second) = (next(&mut streams[0]).await, next(&mut streams[0]).await);

    rabbitmqctl(&stack, &["set_vm_memory_high_watermark", "absolute", "1MB"]);
    // RabbitMQ tells a connection that it is blocked when it publishes.
    until("the publisher is blocked", async || {
        let _ = publisher.publish(epoch, partition, item(3), Instant::now() + Duration::from_millis(100)).await;
        matches!(publisher.check(), Err(Error::Blocked))
    })
    .await;
    // Soon nobody takes a number any more for what could not be sent, and what comes all the same does not wait.
    let start = Instant::now();
    until("items are refused", async || publisher.accepting(1) == Err(PublishError::Unavailable)).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    let start = Instant::now();
    let results = join_all((10..=309).map(|number| publisher.publish(epoch, partition, item(number), soon()))).await;
    assert_eq!(results, vec![Err(PublishError::Unavailable); 300]);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(publisher.fence(epoch, partition, soon()).await, Err(FenceError::Unavailable));

    // What consumes goes on, even if it has something to say as well.
    let _ = consumer.publish_dead(b"payload", "reason").await;
    assert_eq!(first.ack().await, Settled::Done);
    assert_eq!(second.ack().await, Settled::Done);
    assert!(consumer.check().is_ok());

    rabbitmqctl(&stack, &["set_vm_memory_high_watermark", "absolute", "1GB"]);
    let start = Instant::now();
    until("items are accepted", async || publisher.accepting(1).is_ok()).await;
    until("publishing goes on", async || publisher.publish(epoch, partition, item(400), soon()).await.is_ok()).await;
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let mut rest = Vec::new();
    while !rest.contains(&400) {
        rest.extend(numbers(&next(&mut streams[0]).await.payload));
    }
    assert!(rest.iter().all(|number| [3, 400].contains(number)), "neither lost acks nor refused items: {rest:?}");
    consumer.close().await;
}

/// Runs the broker's own command where the broker runs, in its environment.
fn rabbitmqctl(stack: &Stack, arguments: &[&str]) {
    let (process, environment) = broker_process(stack);
    let mut command = Command::new("nsenter");
    command.arg("--target").arg(process.file_name().unwrap()).args(["--all", "--preserve-credentials", "--wdns=/"]);
    command.args(["--", "/usr/lib/rabbitmq/bin/rabbitmqctl"]).args(arguments);
    command.env_clear().envs(environment.split('\0').filter_map(|variable| variable.split_once('=')));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// The Erlang machine that serves this stack's port, as a directory of /proc, and its environment.
fn broker_process(stack: &Stack) -> (PathBuf, String) {
    let port = stack.urls().amqp.rsplit(':').next().unwrap().trim_end_matches("/%2f").to_owned();
    let mark = format!("RABBITMQ_NODE_PORT={port}\0");
    let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let machine =
        processes.filter(|process| std::fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() == "beam.smp"));
    let mut found = machine.filter_map(|process| Some((std::fs::read_to_string(process.join("environ")).ok()?, process)));
    let (environment, process) = found.find(|(environment, _)| environment.contains(&mark)).expect("the broker's process");
    (process, environment)
}
