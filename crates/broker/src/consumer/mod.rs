//! The consumer's handle, and what starts with it: one connection for deliveries and acknowledgements, another for what a
//! consumer has to say. A broker short of memory stops reading from connections that publish; acknowledgements must still
//! arrive then, for they are what frees it.

mod answers;
mod delivery;
mod partition;

use std::{
    num::NonZeroU16,
    time::{Duration, Instant},
};

use events::{Partition, Topology};
use metrics::Counter;
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Error, Settings, connection, session::Link};
pub(crate) use answers::Answers;
pub use delivery::{Delivery, Settled};

/// What a partition's stream tells.
#[derive(Debug)]
pub enum Event {
    /// The next message of the queue.
    Delivery(Delivery),
    /// The connection, or the consumer on it, was lost: everything that was delivered before and is not acknowledged will be
    /// delivered again, maybe to another process. Drop it.
    Reset,
}

/// A partition's messages, in the order of the queue.
#[derive(Debug)]
pub struct Deliveries {
    partition: Partition,
    events: mpsc::Receiver<Event>,
}

impl Deliveries {
    /// Which partition this is.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The next event; `None` after shutdown, when all that was delivered has been handed out. Deliveries that a
    /// [`Event::Reset`] is about to call stale are left out. Cancelling this loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.events.recv().await?;
            if !event.is_stale() {
                return Some(event);
            }
        }
    }

    /// The next event if there is one already.
    pub fn try_next(&mut self) -> Option<Event> {
        loop {
            let event = self.events.try_recv().ok()?;
            if !event.is_stale() {
                return Some(event);
            }
        }
    }
}

impl Event {
    fn is_stale(&self) -> bool {
        matches!(self, Self::Delivery(delivery) if !delivery.is_current())
    }
}

/// Consumes every partition's queue. Cheap to clone.
#[derive(Clone)]
pub struct Consumer {
    link: watch::Receiver<Link>,
    pub(crate) answers: Answers,
    pub(crate) topology: Topology,
    pub(crate) limit: Duration,
    pub(crate) dead_payloads: Counter,
    stop: CancellationToken,
    close: CancellationToken,
    tasks: TaskTracker,
}

impl Consumer {
    /// Starts consuming on the current tokio runtime: one stream a partition, in the order of the partitions. The broker need not
    /// be there yet. While another process consumes a queue, its stream here stays silent and stands by.
    ///
    /// After `shutdown` nothing more is taken; the streams still give what had been delivered and end. Acknowledgements are
    /// possible until [`Consumer::close`], and until then no standby takes over: it would get what stands behind the messages
    /// that are not settled here.
    pub fn start(settings: &Settings, shutdown: CancellationToken) -> (Self, Vec<Deliveries>) {
        let (stop, close) = (shutdown.child_token(), CancellationToken::new());
        let link = connection::supervise("consumer", settings, close.clone());
        let answers = Answers::new(connection::supervise("answers", settings, close.clone()), settings);
        let tasks = TaskTracker::new();
        let prefetch: NonZeroU16 = settings.prefetch;
        let streams = settings.partitions.all().map(|partition| {
            let (sender, events) = mpsc::channel(usize::from(prefetch.get()));
            let task = partition::Task::new(partition, settings, link.clone(), sender, stop.clone());
            tasks.spawn(task.run());
            Deliveries { partition, events }
        });
        let streams = streams.collect();
        tasks.close();
        let (topology, limit) = (settings.topology(), settings.confirm_timeout());
        let dead_payloads = metrics::counter!("chat_dead_payloads_total");
        (Self { link, answers, topology, limit, dead_payloads, stop, close, tasks }, streams)
    }

    /// For readiness: whether there is a connection. A consumer that stands by is ready.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Tls`] or [`Error::WrongTopology`].
    pub fn check(&self) -> Result<(), Error> {
        match self.link.borrow().session() {
            // It consumes and acknowledges all the same.
            Err(Error::Blocked) => Ok(()),
            link => link.map(drop),
        }
    }

    /// Waits until the first connection is made. For start-up, which may go on without the broker but not with a wrong topology.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Tls`] after `within`, [`Error::WrongTopology`] at once.
    pub async fn connected(&self, within: Duration) -> Result<(), Error> {
        let since = Instant::now();
        connection::connected(self.link.clone(), within).await?;
        connection::connected(self.answers.link().clone(), within.saturating_sub(since.elapsed())).await
    }

    /// To be called when a service starts: waits up to five seconds for the broker, which may be down for now, but must not hold
    /// other queues than those configured.
    ///
    /// # Errors
    /// [`Error::WrongTopology`].
    pub async fn refuse_wrong_topology(&self) -> Result<(), Error> {
        connection::or_down(self.connected(connection::START_LIMIT).await)
    }

    /// Stops consuming and closes the connections; what is not acknowledged by now is delivered to another consumer. Call it when
    /// the streams have ended and their last deliveries are settled. Takes at most the confirm timeout.
    pub async fn close(&self) {
        self.stop.cancel();
        self.close.cancel();
        let closed = async {
            self.tasks.wait().await;
            connection::closed(self.link.clone(), self.limit).await;
            connection::closed(self.answers.link().clone(), self.limit).await;
        };
        let _ = timeout(self.limit, closed).await;
    }
}
