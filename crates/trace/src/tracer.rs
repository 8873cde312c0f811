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
    ration::Ration,
    span::Ended,
};

/// The last spans may hold the end of a process up for so long.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// Begins spans. Cheap to clone; all clones share one queue.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<Shared>>);

#[derive(Debug)]
pub(crate) struct Shared {
    queue: mpsc::Sender<Message>,
    one_in: u32,
    callers: Ration,
    timeout: Duration,
    dropped: Counter,
}

impl Shared {
    /// Whether a request whose caller has no say is the one in so many that is traced.
    fn is_due(&self) -> bool {
        self.one_in > 0 && rand::random_range(0..self.one_in) == 0
    }

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
        let (one_in, callers) = (settings.one_in, Ration::new(settings.callers_per_s));
        Ok(Self(Some(Arc::new(Shared { queue, one_in, callers, timeout: settings.timeout(), dropped }))))
    }

    /// Begins what came from outside. With a caller's context it goes on in its trace, and the caller has decided whether that is
    /// told, unless callers want too much; else a trace begins, which is told once in a while.
    pub fn receive(&self, name: &str, kind: Kind, caller: Option<Context>) -> Span {
        let Some(shared) = &self.0 else { return Span::none() };
        let context = match caller {
            Some(caller) if caller.is_sampled() && !shared.callers.pass() && !shared.is_due() => return Span::none(),
            Some(caller) => caller.next(),
            None => Context::new(shared.is_due()),
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

    /// What is handed on to whoever works for a `received` span. Without a span its caller's trace goes on, untold, if it is not
    /// told here; where no collector is named, others may tell of it.
    pub fn parent(&self, received: &Span, caller: Option<Context>) -> Parent {
        let caller = if self.0.is_some() { caller.map(Context::untold) } else { caller };
        Parent { tracer: self.clone(), context: received.context().or(caller) }
    }

    /// Sends what has ended so far, within the collector's time and a second at most. To be called at the end of the process,
    /// which must not be killed for the sake of some spans.
    pub async fn finish(&self) {
        let Some(shared) = &self.0 else { return };
        let (done, is_done) = oneshot::channel();
        let sent = async {
            if shared.queue.send(Message::Flush(done)).await.is_ok() {
                let _ = is_done.await;
            }
        };
        // Of a runtime that is gone nobody answers.
        let _ = timeout((shared.timeout * 2).min(FINISH_WITHIN), sent).await;
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
