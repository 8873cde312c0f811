//! Fences: the question to a partition's consumer whether all that stands in the queue now is committed.
//!
//! A fence is a message to the partition's queue; the consumer answers it through RabbitMQ's direct reply-to
//! (<https://www.rabbitmq.com/docs/direct-reply-to>) once everything before it is committed. All that wait for the same partition
//! and epoch share a fence, but nobody shares one that was published before they began to wait: it would say nothing about
//! what came in between.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::Arc,
    time::{Duration, Instant},
};

use backoff::jittered;
use events::{Epoch, Partition, Topology};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Consumer,
    options::BasicConsumeOptions,
    types::{FieldTable, ShortString},
};
use metrics::Counter;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval, sleep, timeout, timeout_at},
};

use crate::{
    Error, FenceError, Publisher, Settings,
    confirms::{Confirms, Outcome, Outgoing, Settled},
    session::{Link, Session},
};

/// RabbitMQ's name for "answer on the channel that asked".
const REPLY_TO: &str = "amq.rabbitmq.reply-to";
/// Callers whose request has not been looked at yet; more wait for their turn, until their deadlines.
const MAX_REQUESTS: usize = 1024;
/// Callers of one partition and epoch that wait.
const MAX_WAITERS: usize = 10_000;
const TICK: Duration = Duration::from_millis(20);
/// A session on which fences cannot be set up is not tried again at once, nor by all replicas in the same moment.
const SETUP_PAUSE: Duration = Duration::from_millis(200);

impl Publisher {
    /// Waits until all that stood in the partition's queue when this was called is committed by its consumer.
    ///
    /// # Errors
    /// See [`FenceError`], at the latest at `deadline`.
    pub async fn fence(&self, epoch: Epoch, partition: Partition, deadline: Instant) -> Result<(), FenceError> {
        self.shared.link.borrow().session().map_err(|_| FenceError::Unavailable)?;
        let (answer, answered) = oneshot::channel();
        let request = Request { epoch, partition, waiter: Waiter { deadline, answer } };
        // A herd of callers that were all woken by one event comes before the task can look at the first.
        let sent = timeout_at(deadline.into(), self.shared.fences.requests.send(request)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return Err(FenceError::Unavailable);
        }
        match timeout_at(deadline.into(), answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(FenceError::Unavailable),
            Err(_) => Err(FenceError::Unanswered),
        }
    }
}

/// The way to the task that sends fences.
pub(crate) struct Fences {
    requests: mpsc::Sender<Request>,
}

struct Request {
    epoch: Epoch,
    partition: Partition,
    waiter: Waiter,
}

struct Waiter {
    deadline: Instant,
    answer: oneshot::Sender<Result<(), FenceError>>,
}

impl Fences {
    pub(crate) fn start(link: watch::Receiver<Link>, settings: &Settings) -> Self {
        let (requests, received) = mpsc::channel(MAX_REQUESTS);
        let task = Task {
            link,
            requests: received,
            topology: settings.topology(),
            limit: settings.confirm_timeout(),
            slots: HashMap::new(),
            sent: metrics::counter!("chat_fences_total"),
        };
        tokio::spawn(task.run());
        Self { requests }
    }
}

type Key = (Epoch, Partition);

/// What goes on for one partition and epoch.
#[derive(Default)]
struct Slot {
    flight: Option<Flight>,
    /// They began to wait after the fence in flight was published, and share the next one.
    next: Vec<Waiter>,
}

struct Flight {
    number: u64,
    waiters: Vec<Waiter>,
    /// When the last of its waiters gives up.
    until: Instant,
}

struct Task {
    link: watch::Receiver<Link>,
    requests: mpsc::Receiver<Request>,
    topology: Topology,
    limit: Duration,
    slots: HashMap<Key, Slot>,
    sent: Counter,
}

impl Task {
    async fn run(mut self) {
        loop {
            let link = self.link.borrow_and_update().clone();
            match link {
                Link::Up(session) => {
                    match self.serve(&session).await {
                        Ok(()) => return,
                        Err(error) => tracing::debug!(%error, "fences interrupted"),
                    }
                    self.fail_all();
                    sleep(jittered(SETUP_PAUSE)).await;
                }
                Link::Down(_) | Link::Refused(_) => tokio::select! {
                    changed = self.link.changed() => if changed.is_err() { return },
                    request = self.requests.recv() => match request {
                        Some(request) => fail([request.waiter], FenceError::Unavailable),
                        None => return,
                    }
                },
                Link::Closed => return,
            }
        }
    }

    /// Sends fences and takes answers until nobody can ask any more.
    ///
    /// # Errors
    /// When the session, or its channel for fences, is over.
    async fn serve(&mut self, session: &Arc<Session>) -> Result<(), Error> {
        let set_up = timeout(self.limit, async {
            let channel = session.confirm_channel().await?;
            let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
            let replies = channel.basic_consume(REPLY_TO.into(), ShortString::default(), options, FieldTable::default());
            Ok((replies.await.map_err(Error::amqp("listen for answers"))?, channel))
        });
        let (mut replies, channel) = set_up.await.unwrap_or(Err(Error::TimedOut("listen for answers")))?;
        let mut confirms = Confirms::new(channel, self.limit);
        self.exchange_messages(session, &mut replies, &mut confirms).await
    }

    async fn exchange_messages(
        &mut self,
        session: &Session,
        replies: &mut Consumer,
        confirms: &mut Confirms<(Key, u64)>,
    ) -> Result<(), Error> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if session.is_blocked() {
                self.fail_all();
            }
            tokio::select! {
                () = session.over.cancelled() => return Err(Error::Unavailable),
                request = self.requests.recv() => match request {
                    Some(Request { epoch, partition, waiter }) => self.admit((epoch, partition), waiter, confirms),
                    None => return Ok(()),
                },
                reply = replies.next() => {
                    let reply = reply.ok_or(Error::Unavailable)?.map_err(Error::amqp("receive an answer"))?;
                    let number = reply.properties.correlation_id().as_ref().and_then(|id| id.as_str().parse::<u64>().ok());
                    self.conclude(number, &Ok(()), confirms);
                },
                settled = poll_fn(|cx| confirms.poll_settled(cx)) => for Settled { context: (_, number), outcome, .. } in settled {
                    match outcome {
                        Outcome::Stored => (),
                        Outcome::Returned => self.conclude(Some(number), &Err(FenceError::Returned), confirms),
                        Outcome::Refused => self.conclude(Some(number), &Err(FenceError::Unavailable), confirms),
                        Outcome::NotSent | Outcome::Lost => return Err(Error::Unavailable),
                    }
                },
                _ = tick.tick(), if !self.slots.is_empty() => {
                    drop(confirms.take_overdue());
                    if confirms.is_broken() {
                        session.give_up("fences are not confirmed");
                    }
                    self.retire(Instant::now(), confirms);
                }
            }
        }
    }

    fn admit(&mut self, key: Key, waiter: Waiter, confirms: &mut Confirms<(Key, u64)>) {
        let slot = self.slots.entry(key).or_default();
        if slot.next.len() >= MAX_WAITERS {
            return fail([waiter], FenceError::Unavailable);
        }
        slot.next.push(waiter);
        self.launch(key, confirms);
    }

    /// Publishes the next fence for those that wait, unless one is in flight.
    fn launch(&mut self, key: Key, confirms: &mut Confirms<(Key, u64)>) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        if slot.flight.is_some() {
            return;
        }
        slot.next.retain(|waiter| !waiter.answer.is_closed());
        let Some(until) = slot.next.iter().map(|waiter| waiter.deadline).max() else {
            self.slots.remove(&key);
            return;
        };
        let (epoch, partition) = key;
        let payload = match events::encode_fence(epoch) {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(%error, "a fence cannot be written");
                return fail(std::mem::take(&mut slot.next), FenceError::Unavailable);
            }
        };
        let number = confirms.next_number();
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_reply_to(REPLY_TO.into())
            .with_correlation_id(number.to_string().into());
        let exchange = self.topology.exchange().as_str().into();
        let routing_key = self.topology.routing_key(epoch, partition).as_str().into();
        confirms.publish(Outgoing { exchange, routing_key, payload, properties }, (key, number));
        self.sent.increment(1);
        slot.flight = Some(Flight { number, waiters: std::mem::take(&mut slot.next), until });
    }

    /// Ends the flight of that number, if it is still on, and launches the next.
    fn conclude(&mut self, number: Option<u64>, result: &Result<(), FenceError>, confirms: &mut Confirms<(Key, u64)>) {
        let ended = self.slots.iter_mut().find_map(|(key, slot)| {
            let flight = slot.flight.take_if(|flight| Some(flight.number) == number)?;
            Some((*key, flight))
        });
        let Some((key, flight)) = ended else { return };
        for waiter in flight.waiters {
            let _ = waiter.answer.send(*result);
        }
        self.launch(key, confirms);
    }

    /// Ends the flights that nobody waits for any more.
    fn retire(&mut self, now: Instant, confirms: &mut Confirms<(Key, u64)>) {
        let late = |slot: &Slot| {
            slot.flight
                .as_ref()
                .is_some_and(|flight| flight.until <= now || flight.waiters.iter().all(|waiter| waiter.answer.is_closed()))
        };
        let keys: Vec<Key> = self.slots.iter().filter(|(_, slot)| late(slot)).map(|(key, _)| *key).collect();
        for key in keys {
            if let Some(flight) = self.slots.get_mut(&key).and_then(|slot| slot.flight.take()) {
                fail(flight.waiters, FenceError::Unanswered);
            }
            self.launch(key, confirms);
        }
    }

    fn fail_all(&mut self) {
        for (_, slot) in self.slots.drain() {
            fail(slot.next, FenceError::Unavailable);
            fail(slot.flight.into_iter().flat_map(|flight| flight.waiters), FenceError::Unavailable);
        }
    }
}

fn fail(waiters: impl IntoIterator<Item = Waiter>, error: FenceError) {
    for waiter in waiters {
        let _ = waiter.answer.send(Err(error));
    }
}
