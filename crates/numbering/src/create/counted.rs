//! Counts the numbers whose create was not published, also where nobody waits any more to be told: its client has gone away, or
//! was answered at its deadline. It must never keep anybody waiting, nor count what was stored for all it knows.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use broker::PublishError;
use tokio::runtime::Handle;

/// A publish under way. However it is dropped, `failed` is called once if the publish fails.
pub(super) struct Counted<P, F>(Option<(P, F)>)
where
    P: Future<Output = Result<(), PublishError>> + Send + Unpin + 'static,
    F: FnOnce(&PublishError) + Send + Unpin + 'static;

impl<P, F> Counted<P, F>
where
    P: Future<Output = Result<(), PublishError>> + Send + Unpin + 'static,
    F: FnOnce(&PublishError) + Send + Unpin + 'static,
{
    pub(super) fn new(publish: P, failed: F) -> Self {
        Self(Some((publish, failed)))
    }
}

impl<P, F> Future for Counted<P, F>
where
    P: Future<Output = Result<(), PublishError>> + Send + Unpin + 'static,
    F: FnOnce(&PublishError) + Send + Unpin + 'static,
{
    type Output = Result<(), PublishError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Nobody asks again what has been answered.
        let Some((publish, _)) = &mut self.0 else { return Poll::Pending };
        let outcome = ready!(Pin::new(publish).poll(context));
        if let Some((_, failed)) = self.0.take()
            && let Err(error) = &outcome
        {
            failed(error);
        }
        Poll::Ready(outcome)
    }
}

impl<P, F> Drop for Counted<P, F>
where
    P: Future<Output = Result<(), PublishError>> + Send + Unpin + 'static,
    F: FnOnce(&PublishError) + Send + Unpin + 'static,
{
    fn drop(&mut self) {
        let Some((publish, failed)) = self.0.take() else { return };
        // Ends soon: the broker answers each item within its deadline and the confirm timeout. Without a runtime nothing answers
        // at all.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = publish.await {
                failed(&error);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    type Answer = oneshot::Sender<Result<(), PublishError>>;
    type Told = mpsc::UnboundedReceiver<PublishError>;

    /// A publish that is answered by the test, and what is told of its failures.
    fn publish() -> (Answer, impl Future<Output = Result<(), PublishError>>, Told) {
        let (answer, answered) = oneshot::channel();
        let (tell, told) = mpsc::unbounded_channel();
        let publish = Box::pin(async move { answered.await.unwrap() });
        (answer, Counted::new(publish, move |error| tell.send(error.clone()).unwrap()), told)
    }

    #[tokio::test]
    async fn a_failure_is_told_once_to_whoever_waits() {
        let (answer, publish, mut told) = publish();
        answer.send(Err(PublishError::Expired)).unwrap();
        assert!(matches!(publish.await, Err(PublishError::Expired)));
        assert!(matches!(told.recv().await, Some(PublishError::Expired)));
        assert!(told.recv().await.is_none());
    }

    #[tokio::test]
    async fn a_failure_is_told_once_though_nobody_waits_any_more() {
        let (answer, publish, mut told) = publish();
        drop(publish);
        assert!(told.try_recv().is_err());
        answer.send(Err(PublishError::Unconfirmed)).unwrap();
        assert!(matches!(told.recv().await, Some(PublishError::Unconfirmed)));
        assert!(told.recv().await.is_none());
    }

    #[tokio::test]
    async fn what_is_stored_after_all_is_no_failure() {
        for waits in [true, false] {
            let (answer, publish, mut told) = publish();
            answer.send(Ok(())).unwrap();
            if waits {
                publish.await.unwrap();
            } else {
                drop(publish);
            }
            assert!(told.recv().await.is_none(), "{waits}");
        }
    }
}
