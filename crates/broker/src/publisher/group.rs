//! Group commit: the one task that turns waiting items into messages.
//!
//! A lone item goes out at once. While as many publishes as may be in flight await their confirm, what arrives gathers in the
//! queue, so that groups grow with the load and one confirm serves them whole. All groups leave on one channel, in order.

use std::{
    future::poll_fn,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use lapin::{BasicProperties, types::ShortString};
use metrics::{Counter, Gauge, Histogram};
use tokio::{
    sync::{oneshot, watch},
    task::yield_now,
    time::{Interval, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    GRACE, Shared,
    queue::{Group, Pending},
};
use crate::{
    PublishError, Settings,
    confirms::{Confirms, Outcome, Outgoing, Settled},
    session::{Link, Session},
};

/// How often deadlines are looked at while items or confirms wait.
const TICK: Duration = Duration::from_millis(20);

type Answers = Vec<oneshot::Sender<Result<(), PublishError>>>;

/// Publishes until everything is answered after `stop`, then closes the connection.
pub(super) async fn run(shared: Arc<Shared>, settings: Settings, close: CancellationToken) {
    let task = Task {
        link: shared.link.clone(),
        exchange: shared.topology.exchange().as_str().into(),
        meters: Meters::new(&settings),
        shared: shared.clone(),
        settings,
    };
    let limit = shared.limit * 2;
    tokio::select! {
        () = task.publish() => (),
        () = async { shared.stop.cancelled().await; sleep(limit).await } => tracing::warn!("publisher stopped before all was confirmed"),
    }
    shared.away.store(true, Ordering::Relaxed);
    shared.queue.close();
    answer(shared.queue.take_all(), &PublishError::Unavailable);
    close.cancel();
    shared.stopped.cancel();
}

struct Task {
    shared: Arc<Shared>,
    settings: Settings,
    link: watch::Receiver<Link>,
    exchange: ShortString,
    meters: Meters,
}

impl Task {
    async fn publish(mut self) {
        loop {
            let link = self.link.borrow_and_update().clone();
            let over = match link {
                Link::Up(session) => {
                    self.shared.away.store(false, Ordering::Relaxed);
                    if self.serve(&session).await {
                        return;
                    }
                    session.give_up("its publishing channel failed");
                    self.outlast(|link| matches!(link, Link::Up(same) if session.is(same))).await
                }
                Link::Down(down) => self.await_connection(down.since).await,
                Link::Refused(_) => {
                    self.turn_away();
                    self.outlast(|link| matches!(link, Link::Refused(_))).await
                }
                Link::Closed => true,
            };
            if over {
                return;
            }
        }
    }

    /// Bridges a short outage, refuses everything in a longer one. `true`: stop.
    async fn await_connection(&mut self, since: Instant) -> bool {
        let grace = GRACE.saturating_sub(since.elapsed());
        let is_down = |link: &Link| matches!(link, Link::Down(_));
        if let Ok(over) = timeout(grace, self.outlast(is_down)).await {
            return over;
        }
        self.turn_away();
        self.outlast(is_down).await
    }

    fn turn_away(&self) {
        self.shared.away.store(true, Ordering::Relaxed);
        answer(self.shared.queue.take_all(), &self.shared.unavailable());
        self.meters.waiting.set(0.0);
    }

    /// Waits until the link is no longer as `is_same` says. Items that slip into the queue meanwhile are held to their
    /// deadlines, or refused when items are turned away. `true`: stop.
    async fn outlast(&mut self, is_same: impl Fn(&Link) -> bool) -> bool {
        let mut tick = ticks();
        loop {
            tokio::select! {
                changed = self.link.wait_for(|link| !is_same(link)) => return changed.is_err(),
                () = self.shared.stop.cancelled() => return true,
                _ = tick.tick() => {
                    if self.shared.away.load(Ordering::Relaxed) {
                        answer(self.shared.queue.take_all(), &self.shared.unavailable());
                    } else {
                        answer(self.shared.queue.take_expired(Instant::now()), &PublishError::Unavailable);
                    }
                }
            }
        }
    }

    /// Publishes over this session until it is over. `true`: all is answered after `stop`.
    async fn serve(&mut self, session: &Arc<Session>) -> bool {
        let channel = match timeout(self.settings.connect_timeout(), session.confirm_channel()).await {
            Ok(Ok(channel)) => channel,
            Ok(Err(error)) => {
                tracing::debug!(%error, "no channel to publish on");
                return false;
            }
            Err(_) => return false,
        };
        let mut confirms = Confirms::new(channel, self.settings.confirm_timeout());
        let all_answered = self.serve_channel(session, &mut confirms).await;
        self.meters.in_flight.set(0.0);
        for answers in confirms.into_unsettled() {
            give(answers, &Err(PublishError::Unconfirmed));
        }
        all_answered
    }

    async fn serve_channel(&mut self, session: &Arc<Session>, confirms: &mut Confirms<Answers>) -> bool {
        let mut tick = ticks();
        let mut stopping = false;
        let mut blocked_since = None;
        loop {
            let is_blocked = session.is_blocked();
            blocked_since = is_blocked.then(|| blocked_since.unwrap_or_else(Instant::now));
            self.refuse_while_blocked(blocked_since);
            while !is_blocked && confirms.awaited() < self.settings.in_flight.get() {
                let Some(group) = self.shared.queue.take(self.settings.group_items.get()) else { break };
                self.send(group, confirms);
            }
            let waiting = self.shared.queue.len();
            self.meters.waiting.set(waiting as f64);
            self.meters.in_flight.set(confirms.awaited() as f64);
            if stopping && waiting == 0 && confirms.awaited() == 0 {
                return true;
            }
            tokio::select! {
                biased;
                settled = poll_fn(|cx| confirms.poll_settled(cx)) => {
                    if !self.settle(settled) {
                        return false;
                    }
                }
                () = session.over.cancelled() => return false,
                () = self.shared.stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.shared.queue.close();
                }
                // What comes in the same moment goes along: most of it was given its number by the same call.
                () = self.shared.queue.arrival(), if waiting == 0 => yield_now().await,
                changed = self.link.changed() => if changed.is_err() { return false },
                _ = tick.tick(), if waiting > 0 || confirms.awaited() > 0 || is_blocked => {
                    let late = if is_blocked { PublishError::Unavailable } else { PublishError::Expired };
                    answer(self.shared.queue.take_expired(Instant::now()), &late);
                    for answers in confirms.take_overdue() {
                        give(answers, &Err(PublishError::Unconfirmed));
                    }
                    if confirms.is_broken() {
                        return false;
                    }
                }
            }
        }
    }

    /// Lets nobody take a number for an item that a broker short of memory or disk would let expire here.
    fn refuse_while_blocked(&self, since: Option<Instant>) {
        if since.is_some_and(|since| since.elapsed() >= GRACE) {
            self.turn_away();
        } else {
            self.shared.away.store(false, Ordering::Relaxed);
        }
    }

    /// Encodes a group once and hands it to the connection; what has expired is left behind.
    fn send(&self, group: Group, confirms: &mut Confirms<Answers>) {
        let now = Instant::now();
        let mut items = Vec::with_capacity(group.waiting.len());
        let mut answers = Vec::with_capacity(group.waiting.len());
        for Pending { items: own, deadline, answer } in group.waiting {
            if deadline <= now {
                let _ = answer.send(Err(PublishError::Expired));
            } else {
                own.append_to(&mut items);
                answers.push(answer);
            }
        }
        if items.is_empty() {
            return;
        }
        let payload = match events::encode_items(group.epoch, &items) {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(%error, "items cannot be written");
                return give(answers, &Err(PublishError::Unavailable));
            }
        };
        self.meters.publishes.increment(1);
        self.meters.items.record(items.len() as f64);
        let routing_key = self.shared.topology.routing_key(group.epoch, group.partition).as_str().into();
        let properties = BasicProperties::default().with_content_type("application/json".into());
        confirms.publish(Outgoing { exchange: self.exchange.clone(), routing_key, payload, properties }, answers);
    }

    /// Answers the callers of settled groups. `false`: the channel is of no more use.
    fn settle(&self, settled: Vec<Settled<Answers>>) -> bool {
        let mut is_sound = true;
        for Settled { context, outcome, took } in settled {
            let result = match outcome {
                Outcome::Stored => {
                    self.meters.confirm_seconds.record(took.as_secs_f64());
                    Ok(())
                }
                Outcome::Returned => {
                    self.meters.returned.increment(1);
                    Err(PublishError::Returned)
                }
                Outcome::NotSent => Err(PublishError::Unavailable),
                Outcome::Refused | Outcome::Lost => Err(PublishError::Unconfirmed),
            };
            is_sound &= !matches!(outcome, Outcome::NotSent | Outcome::Lost);
            give(context, &result);
        }
        is_sound
    }
}

/// Ticks that do not pile up while nobody looks at them.
fn ticks() -> Interval {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn answer(waiting: Vec<Pending>, error: &PublishError) {
    give(waiting.into_iter().map(|pending| pending.answer).collect(), &Err(error.clone()));
}

/// A caller that has gone away needs no answer.
fn give(answers: Answers, result: &Result<(), PublishError>) {
    for answer in answers {
        let _ = answer.send(result.clone());
    }
}

/// Looked up once: the registry is too slow for every group.
struct Meters {
    publishes: Counter,
    items: Histogram,
    confirm_seconds: Histogram,
    returned: Counter,
    waiting: Gauge,
    in_flight: Gauge,
}

impl Meters {
    fn new(settings: &Settings) -> Self {
        metrics::gauge!("chat_publish_queue_max_items").set(settings.queue_capacity.get() as f64);
        metrics::gauge!("chat_publishes_max_in_flight").set(settings.in_flight.get() as f64);
        Self {
            publishes: metrics::counter!("chat_publishes_total"),
            items: metrics::histogram!("chat_publish_items"),
            confirm_seconds: metrics::histogram!("chat_publish_seconds"),
            returned: metrics::counter!("chat_publishes_returned_total"),
            waiting: metrics::gauge!("chat_publish_queue_items"),
            in_flight: metrics::gauge!("chat_publishes_in_flight"),
        }
    }
}
