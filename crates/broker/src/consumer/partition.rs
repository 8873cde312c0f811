//! Consumes one partition, stretch after stretch.
//!
//! Prefetch is the bound: the broker delivers no more than that many messages beyond the acknowledged ones, so neither lapin's
//! buffer nor the stream can grow past it.
//!
//! A consumer is never cancelled (`basic.cancel`), nor dropped while its connection lives, which would cancel it. A queue with a
//! single active consumer makes the next one active at once when the active one is cancelled, and gives it what stands *behind*
//! the messages that the cancelled one still holds: the order would be lost, and a fence answered too early. A connection that
//! is closed gives its messages back first.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backoff::Backoff;
use events::{Partition, Topology};
use futures_util::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};
use metrics::Counter;
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    Event,
    delivery::{Delivery, Stretch},
};
use crate::{
    Error, Settings,
    connection::WAITS,
    session::{Link, Session},
    topology,
};

pub(super) struct Task {
    partition: Partition,
    topology: Topology,
    prefetch: u16,
    limit: Duration,
    settling_time: Duration,
    link: watch::Receiver<Link>,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
    resets: Counter,
}

/// Why a stretch ended.
enum End {
    Stopped,
    Lost,
}

impl Task {
    pub(super) fn new(
        partition: Partition,
        settings: &Settings,
        link: watch::Receiver<Link>,
        events: mpsc::Sender<Event>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            partition,
            topology: settings.topology(),
            prefetch: settings.prefetch.get(),
            limit: settings.confirm_timeout(),
            settling_time: settings.settling_time(),
            link,
            events,
            stop,
            resets: metrics::counter!("chat_consumer_resets_total"),
        }
    }

    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(WAITS);
        let mut last: Option<Arc<Session>> = None;
        while let Some(session) = self.session().await {
            let since = Instant::now();
            // Where consuming has ended before the connection did, the queue may have been deleted.
            let may_lack_queue = last.as_ref().is_some_and(|last| last.is(&session));
            match self.subscribe(&session, may_lack_queue).await {
                Ok((_channel, mut deliveries)) => match self.consume(&mut deliveries).await {
                    End::Stopped => {
                        // The stream ends here, but its last deliveries are acknowledged on this channel.
                        drop(self.events);
                        let _ = self.link.wait_for(|link| matches!(link, Link::Closed)).await;
                        return;
                    }
                    End::Lost => self.tell_reset().await,
                },
                Err(error) => tracing::debug!(partition = self.partition.get(), %error, "cannot consume yet"),
            }
            last = Some(session);
            backoff.held_for(since.elapsed());
            if self.stop.run_until_cancelled(backoff.wait()).await.is_none() {
                return;
            }
        }
    }

    async fn tell_reset(&self) {
        tracing::warn!(partition = self.partition.get(), "consumer lost; consuming anew");
        self.resets.increment(1);
        // Without a receiver there is nobody to tell; the next delivery will find that out.
        let _ = self.events.send(Event::Reset).await;
    }

    /// Waits for a connection. `None`: stop.
    async fn session(&mut self) -> Option<Arc<Session>> {
        let up = self
            .link
            .wait_for(|link| matches!(link, Link::Up(session) if !session.over.is_cancelled()) || matches!(link, Link::Closed));
        let link = self.stop.run_until_cancelled(up).await?.ok()?.clone();
        match link {
            Link::Up(session) => Some(session),
            Link::Down(_) | Link::Refused(_) | Link::Closed => None,
        }
    }

    /// Begins to consume, on a channel of its own.
    async fn subscribe(&self, session: &Session, may_lack_queue: bool) -> Result<(Channel, lapin::Consumer), Error> {
        let subscribed = timeout(self.limit + self.settling_time, async {
            if may_lack_queue {
                topology::declare(session, &self.topology, self.settling_time).await?;
            }
            let channel = session.channel().await?;
            channel.basic_qos(self.prefetch, BasicQosOptions::default()).await.map_err(Error::amqp("set the prefetch"))?;
            let queue = self.topology.queue(self.partition).as_str().into();
            let consumer =
                channel.basic_consume(queue, ShortString::default(), BasicConsumeOptions::default(), FieldTable::default()).await;
            Ok((channel, consumer.map_err(Error::amqp("consume a queue"))?))
        });
        subscribed.await.unwrap_or(Err(Error::TimedOut("consume a queue")))
    }

    /// Hands out deliveries until the consumer is lost or stopped, or nobody takes them.
    async fn consume(&self, deliveries: &mut lapin::Consumer) -> End {
        let stretch = Stretch::begin();
        loop {
            let delivered = tokio::select! {
                biased;
                () = self.stop.cancelled() => return End::Stopped,
                delivered = deliveries.next() => delivered,
            };
            let Some(Ok(delivered)) = delivered else { break };
            let delivery = Delivery::new(self.partition, delivered, stretch.clone(), self.limit);
            if self.events.send(Event::Delivery(delivery)).await.is_err() {
                return End::Stopped;
            }
        }
        stretch.end();
        End::Lost
    }
}
