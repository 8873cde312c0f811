//! Answers fences, over the connection that does not consume.

use std::sync::Arc;
use std::time::Duration;

use backoff::jittered;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions, types::ShortString};
use tokio::{
    sync::{Mutex, watch},
    time::{Instant, sleep, timeout},
};

use crate::{
    Consumer, Delivery, Error, Settings,
    consumer::{Settled, delivery::Reply},
    session::{Link, Session},
};

/// How long an answer waits for its connection. What stands behind the fence is not stored meanwhile.
const RECOVERY: Duration = Duration::from_secs(1);
/// How often it is tried.
const PAUSE: Duration = Duration::from_millis(40);

/// The connection for answers, and the channel that is open on it.
#[derive(Clone)]
pub(crate) struct Answers {
    link: watch::Receiver<Link>,
    open: Arc<Mutex<Option<OpenChannel>>>,
    limit: Duration,
}

struct OpenChannel {
    session: Arc<Session>,
    channel: Channel,
}

impl Answers {
    pub(crate) fn new(link: watch::Receiver<Link>, settings: &Settings) -> Self {
        Self { link, open: Arc::default(), limit: settings.confirm_timeout() }
    }

    pub(crate) fn link(&self) -> &watch::Receiver<Link> {
        &self.link
    }

    /// Sends an answer, and waits a moment for a connection that was lost just then: nobody asks again before the sender of the
    /// fence has given up.
    async fn send(&self, reply: &Reply) -> Result<(), Error> {
        let until = Instant::now() + RECOVERY;
        loop {
            match self.try_send(reply).await {
                Err(Error::Unavailable | Error::Amqp { .. }) if Instant::now() < until => {
                    sleep(jittered(PAUSE)).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_send(&self, reply: &Reply) -> Result<(), Error> {
        let session = self.link.borrow().session()?;
        let sent = timeout(self.limit, async {
            let channel = self.channel(session).await?;
            let properties = BasicProperties::default().with_correlation_id(reply.correlation_id.clone());
            // To the default exchange, which routes to the channel that asked. If that is gone nobody needs the answer.
            let sent = channel
                .basic_publish(ShortString::default(), reply.to.clone(), BasicPublishOptions::default(), &[], properties)
                .await;
            sent.map(drop).map_err(Error::amqp("answer a fence"))
        });
        sent.await.unwrap_or(Err(Error::TimedOut("answer a fence")))
    }

    async fn channel(&self, session: Arc<Session>) -> Result<Channel, Error> {
        let mut open = self.open.lock().await;
        if let Some(OpenChannel { session: its_session, channel }) = open.as_ref()
            && its_session.is(&session)
            && channel.status().connected()
        {
            return Ok(channel.clone());
        }
        let channel = session.channel().await?;
        *open = Some(OpenChannel { session, channel: channel.clone() });
        Ok(channel)
    }
}

impl Consumer {
    /// Tells the sender of a fence that all before it is committed. Call it only when that is so, and acknowledge the fence
    /// afterwards, even if this fails, after a moment: the sender asks again when it has waited in vain.
    ///
    /// A [stale](Settled::Stale) fence is not answered, it will be delivered again behind what it waits for. A delivery that
    /// asks for no answer is none to give: [`Settled::Done`].
    ///
    /// # Errors
    /// Any [`Error`] when the answer could not be sent.
    pub async fn answer_fence(&self, fence: &Delivery) -> Result<Settled, Error> {
        if !fence.is_current() {
            return Ok(Settled::Stale);
        }
        let Some(reply) = fence.reply() else { return Ok(Settled::Done) };
        self.answers.send(reply).await?;
        Ok(Settled::Done)
    }
}
