//! Begins spans, and decides which traces are told.

use std::{sync::Arc, time::Duration};

use metrics::{Counter, counter};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    Context, InvalidSettings, Kind, Settings, Span,
    export::{self, Message},
    span::Ended,
};

/// Begins spans. Cheap to clone; all clones share one queue.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<Shared>>);

#[derive(Debug)]
pub(crate) struct Shared {
    queue: mpsc::Sender<Message>,
    one_in: u32,
    timeout: Duration,
    dropped: Counter,
}

impl Shared {
    /// Never waits.
    pub(crate) fn tell(&self, ended: Ended) {
        if self.queue.try_send(Message::Ended(Box::new(ended))).is_err() {
            self.dropped.increment(1);
        }
    }
}

impl Tracer {
    /// One that traces nothing.
    pub fn off() -> Self {
        Self(None)
    }

    /// Starts to send spans, on the current tokio runtime, if the settings name a collector. It need not be up.
    ///
    /// # Errors
    /// [`InvalidSettings`].
    pub fn start(settings: &Settings, service: &'static str, version: &'static str) -> Result<Self, InvalidSettings> {
        let Some(target) = settings.target()? else { return Ok(Self::off()) };
        let (queue, waiting) = mpsc::channel(settings.queue_spans);
        tokio::spawn(export::run(target, &settings.tls, settings.timeout(), service, version, waiting)?);
        let dropped = counter!("chat_spans_total", "outcome" => "dropped");
        Ok(Self(Some(Arc::new(Shared { queue, one_in: settings.one_in, timeout: settings.timeout(), dropped }))))
    }

    /// Begins what came from outside. With a caller's context it goes on in its trace, and the caller has decided whether that is told;
    /// else a trace begins, which is told once in a while.
    pub fn receive(&self, name: &str, kind: Kind, caller: Option<Context>) -> Span {
        let Some(shared) = &self.0 else { return Span::none() };
        let context = match caller {
            Some(caller) => caller.next(),
            None => Context::new(shared.one_in > 0 && rand::random_range(0..shared.one_in) == 0),
        };
        if context.is_sampled() { Span::begin(shared, context, caller, name, kind) } else { Span::none() }
    }

    /// Begins what happens because of `parent`; nothing where there is none.
    pub fn within(&self, name: &str, kind: Kind, parent: Option<Context>) -> Span {
        match (&self.0, parent) {
            (Some(shared), Some(parent)) if parent.is_sampled() => Span::begin(shared, parent.next(), Some(parent), name, kind),
            _ => Span::none(),
        }
    }

    /// What is handed on to whoever works for `context`.
    pub fn parent(&self, context: Option<Context>) -> Parent {
        Parent { tracer: self.clone(), context }
    }

    /// Sends what has ended so far, within the collector's time. To be called at the end of the process.
    pub async fn finish(&self) {
        let Some(shared) = &self.0 else { return };
        let (done, is_done) = oneshot::channel();
        let sent = async {
            if shared.queue.send(Message::Flush(done)).await.is_ok() {
                let _ = is_done.await;
            }
        };
        // Of a runtime that is gone nobody answers.
        let _ = timeout(shared.timeout * 2, sent).await;
    }
}

/// Because of what something happens, for those who are called: they need not know the tracer. The default is nothing.
#[derive(Debug, Clone, Default)]
pub struct Parent {
    tracer: Tracer,
    context: Option<Context>,
}

impl Parent {
    /// Its place, to be handed on to another process: also when it is not traced here.
    pub fn context(&self) -> Option<Context> {
        self.context
    }

    /// Begins something within it.
    pub fn begin(&self, name: &str, kind: Kind) -> Span {
        self.tracer.within(name, kind, self.context)
    }
}
