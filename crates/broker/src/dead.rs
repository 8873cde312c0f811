//! The dead letter queue, for payloads that cannot even be decoded: kept byte for byte, with the reason as a header.

use lapin::{
    BasicProperties, Confirmation,
    options::BasicPublishOptions,
    types::{AMQPValue, FieldTable},
};
use tokio::time::timeout;

use crate::{Consumer, Error};

/// The header that says why.
const REASON_HEADER: &str = "x-chat-reason";
/// A reason is a sentence, not a payload; longer ones are cut, in bytes.
const MAX_REASON: usize = 500;

impl Consumer {
    /// Puts a payload into the dead letter queue and waits for the confirm. Acknowledge the original afterwards, never before.
    ///
    /// # Errors
    /// Any [`Error`]; the payload may be stored all the same, and will be there twice if this is tried again.
    pub async fn publish_dead(&self, payload: &[u8], reason: &str) -> Result<(), Error> {
        let session = self.answers.link().borrow().session()?;
        let stored = timeout(self.limit, async {
            // Rare enough for a channel of its own, on which there is no doubt what a return or a confirm belongs to.
            let channel = session.confirm_channel().await?;
            let name = self.topology.dead();
            let options = BasicPublishOptions { mandatory: true, immediate: false };
            let published =
                channel.basic_publish(name.as_str().into(), name.as_str().into(), options, payload, properties(reason)).await;
            let confirm = published.map_err(Error::amqp("publish a dead letter"))?;
            confirm.await.map_err(Error::amqp("confirm a dead letter"))
        });
        match stored.await.unwrap_or(Err(Error::TimedOut("store a dead letter")))? {
            Confirmation::Ack(None) => {
                self.dead_payloads.increment(1);
                Ok(())
            }
            _ => Err(Error::NotStored("the dead letter queue")),
        }
    }
}

fn properties(reason: &str) -> BasicProperties {
    let reason = &reason[..reason.floor_char_boundary(MAX_REASON)];
    let mut headers = FieldTable::default();
    headers.insert(REASON_HEADER.into(), AMQPValue::LongString(reason.into()));
    BasicProperties::default().with_delivery_mode(2).with_headers(headers)
}
