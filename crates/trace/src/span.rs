//! Something that takes time. What is not sampled, and everything while there is no collector, is an empty span: it does nothing.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use crate::{Context, tracer::Shared};

/// Which side of a call a span is, in OpenTelemetry's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Work within the process.
    Internal,
    /// A request that is answered.
    Server,
    /// A request to another server.
    Client,
    /// A message is sent.
    Producer,
    /// A message is worked off.
    Consumer,
}

/// What an attribute says. Never a token, a body, a name or a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A word of the code.
    Word(&'static str),
    /// A text that holds nothing of a client's, such as a route's pattern.
    Text(String),
    /// A number.
    Number(u64),
}

/// From its making until it is dropped.
#[derive(Debug)]
#[must_use = "a span lasts until it is dropped"]
pub struct Span(Option<Box<Open>>);

#[derive(Debug)]
struct Open {
    ended: Ended,
    began: Instant,
    shared: Arc<Shared>,
}

/// What is told of a span.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) context: Context,
    pub(crate) parent: Option<Context>,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) at: SystemTime,
    pub(crate) took: Duration,
    pub(crate) attributes: Vec<(&'static str, Value)>,
    pub(crate) failure: Option<&'static str>,
}

/// Why something has failed that nobody saw the end of.
const CUT_OFF: &str = "cut off";

impl Span {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn begin(shared: &Arc<Shared>, context: Context, parent: Option<Context>, name: &str, kind: Kind) -> Self {
        let ended = Ended {
            context,
            parent,
            name: name.to_owned(),
            kind,
            at: SystemTime::now(),
            took: Duration::ZERO,
            attributes: Vec::new(),
            failure: None,
        };
        Self(Some(Box::new(Open { ended, began: Instant::now(), shared: Arc::clone(shared) })))
    }

    /// To be handed on to what happens because of this; `None` if it is not traced.
    pub fn context(&self) -> Option<Context> {
        self.0.as_ref().map(|open| open.ended.context)
    }

    /// Calls it otherwise: what a request is about is known when it was routed.
    pub fn rename(&mut self, name: &str) {
        if let Some(open) = &mut self.0 {
            name.clone_into(&mut open.ended.name);
        }
    }

    /// Says something of it.
    pub fn say(&mut self, key: &'static str, value: Value) {
        if let Some(open) = &mut self.0 {
            open.ended.attributes.push((key, value));
        }
    }

    /// It has failed. `why` is a word of the code.
    pub fn fail(&mut self, why: &'static str) {
        if let Some(open) = &mut self.0 {
            open.ended.failure = Some(why);
        }
    }

    /// Lasts as long as `work` at least. If that is dropped before it has ended, by a deadline or because nobody waits for it any
    /// more, the span has failed.
    pub async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        self.fail(CUT_OFF);
        let outcome = work.await;
        if let Some(open) = &mut self.0 {
            open.ended.failure = None;
        }
        outcome
    }

    /// Ends it now.
    pub fn end(self) {}

    /// Tells nothing of it after all.
    pub fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(open) = self.0.take() {
            let Open { mut ended, began, shared } = *open;
            ended.took = began.elapsed();
            shared.tell(ended);
        }
    }
}
