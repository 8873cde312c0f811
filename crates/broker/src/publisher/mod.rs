//! The publisher's handle: what callers of any runtime may ask for. The work is done by tasks on the runtime that started it.

mod group;
mod queue;

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use events::{Epoch, Partition, Topology};
use tokio::{
    sync::{oneshot, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{Error, PublishError, Settings, connection, fences::Fences, session::Link};
pub use queue::Items;
use queue::{Pending, Queue};

/// How long items wait for a lost connection to come back, or for a broker that blocks publishers to unblock them, before they
/// are refused. It bridges a dropped connection to a healthy broker, or a broker's short breath, and nothing else.
const GRACE: Duration = Duration::from_millis(300);

/// Promises what may yet be lost: a feature that only the history checker's own test turns on.
const ANSWERED_FIRST: bool = cfg!(feature = "broken-early-answer");

/// Publishes accepted creates, binds and unbinds epochs, and sends fences, over one connection. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    queue: Queue,
    /// Whether the connection has been away, or blocked, for longer than the grace: items are refused at once.
    away: AtomicBool,
    pub(crate) link: watch::Receiver<Link>,
    pub(crate) topology: Topology,
    pub(crate) limit: Duration,
    pub(crate) settling_time: Duration,
    pub(crate) fences: Fences,
    stop: CancellationToken,
    stopped: CancellationToken,
}

/// Items on their way. It ends within the confirm timeout after the items' deadline. Dropping it does not take them back.
#[derive(Debug)]
#[must_use]
pub struct Publishing(oneshot::Receiver<Result<(), PublishError>>);

impl Future for Publishing {
    type Output = Result<(), PublishError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(PublishError::Unconfirmed)))
    }
}

impl Publisher {
    /// Starts publishing on the current tokio runtime. The broker need not be there yet.
    ///
    /// `shutdown` begins what [`Publisher::drain`] does; so it should be cancelled only when no more creates come.
    pub fn start(settings: &Settings, shutdown: CancellationToken) -> Self {
        let close = CancellationToken::new();
        let link = connection::supervise("publisher", settings, close.clone());
        let shared = Arc::new(Shared {
            queue: Queue::new(settings.queue_capacity.get()),
            away: AtomicBool::new(false),
            link: link.clone(),
            topology: settings.topology(),
            limit: settings.confirm_timeout(),
            settling_time: settings.settling_time(),
            fences: Fences::start(link.clone(), settings),
            stop: shutdown.child_token(),
            stopped: CancellationToken::new(),
        });
        tokio::spawn(group::run(shared.clone(), settings.clone(), close));
        Self { shared }
    }

    /// Publishes an item, or several as one message, under the epoch's routing key and waits for the broker's confirm.
    ///
    /// `deadline` is the latest moment at which the item may be sent; the answer comes within the confirm timeout after it.
    /// Items of one partition reach the queue in the order of the calls. Dropping the future does not take the item back.
    ///
    /// # Errors
    /// See [`PublishError`]: only after [`PublishError::Unconfirmed`] may the item be stored all the same.
    /// [`PublishError::QueueFull`] also for more items than the whole queue may hold.
    pub async fn publish(
        &self,
        epoch: Epoch,
        partition: Partition,
        items: impl Into<Items>,
        deadline: Instant,
    ) -> Result<(), PublishError> {
        self.begin(epoch, partition, items, deadline)?.await
    }

    /// As [`Publisher::publish`], for whoever wants to learn what becomes of the items though he stops waiting for them.
    ///
    /// # Errors
    /// Those that are told at once; the others are told by what is returned.
    pub fn begin(
        &self,
        epoch: Epoch,
        partition: Partition,
        items: impl Into<Items>,
        deadline: Instant,
    ) -> Result<Publishing, PublishError> {
        self.refusal()?;
        let (answer, answered) = oneshot::channel();
        self.shared.queue.push(epoch, partition, Pending { items: items.into(), deadline, answer })?;
        if ANSWERED_FIRST {
            let (answer, answered) = oneshot::channel();
            let _ = answer.send(Ok(()));
            return Ok(Publishing(answered));
        }
        Ok(Publishing(answered))
    }

    /// Whether so many items, which are to go out together, would be taken now. For callers that have something to lose by
    /// trying, such as numbers.
    ///
    /// # Errors
    /// What [`Publisher::publish`] would answer at once.
    pub fn accepting(&self, count: usize) -> Result<(), PublishError> {
        self.refusal()?;
        if self.shared.queue.has_room(count) { Ok(()) } else { Err(PublishError::QueueFull) }
    }

    fn refusal(&self) -> Result<(), PublishError> {
        if !self.shared.away.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(self.shared.unavailable())
    }

    /// For readiness: whether items can be sent at this moment.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Tls`], [`Error::Blocked`] or [`Error::WrongTopology`].
    pub fn check(&self) -> Result<(), Error> {
        self.shared.link.borrow().session().map(drop)
    }

    /// Waits until the first connection is made. For start-up, which may go on without the broker but not with a wrong topology.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Tls`] after `within`, [`Error::WrongTopology`] at once.
    pub async fn connected(&self, within: Duration) -> Result<(), Error> {
        connection::connected(self.shared.link.clone(), within).await
    }

    /// To be called when a service starts: waits up to five seconds for the broker, which may be down for now, but must not hold
    /// other queues than those configured.
    ///
    /// # Errors
    /// [`Error::WrongTopology`].
    pub async fn refuse_wrong_topology(&self) -> Result<(), Error> {
        connection::or_down(self.connected(connection::START_LIMIT).await)
    }

    /// Refuses new items, lets those that wait be sent and confirmed, and closes the connection. Takes at most twice the confirm
    /// timeout, and once more for the connection's end. By then what waits is answered [`PublishError::Unavailable`], and what
    /// was sent [`PublishError::Unconfirmed`].
    pub async fn drain(&self) {
        self.shared.stop.cancel();
        // The task keeps to its limit by itself; this one is for a runtime that is gone.
        let _ = timeout(self.shared.limit * 3, self.shared.stopped.cancelled()).await;
        connection::closed(self.shared.link.clone(), self.shared.limit).await;
    }
}

impl Shared {
    /// The error for items that cannot be sent because of the state of the connection.
    fn unavailable(&self) -> PublishError {
        match &*self.link.borrow() {
            Link::Refused(sentence) => PublishError::WrongTopology(sentence.to_string()),
            Link::Down(_) | Link::Up(_) | Link::Closed => PublishError::Unavailable,
        }
    }
}
