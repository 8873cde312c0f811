//! The traces of what is stored together: many requests share a transaction and a bulk request, so each of their traces gets a
//! span of its own for it, of the same length.

use trace::{Context, Kind, Span, Tracer, Value};

/// Traces of one batch that are told of; a batch may hold items of hundreds.
const MAX_TRACES: usize = 64;

/// Spans that begin and end together.
#[derive(Debug)]
pub(crate) struct Spans(Vec<Span>);

impl Spans {
    /// Begins one within each of the traces, `items` being what they are spent on.
    pub(crate) fn begin(tracer: &Tracer, name: &str, kind: Kind, items: usize, within: impl Iterator<Item = Context>) -> Self {
        let mut traces: Vec<Context> = Vec::new();
        for context in within {
            if traces.len() < MAX_TRACES && !traces.iter().any(|known| known.is_of_trace_of(context)) {
                traces.push(context);
            }
        }
        let span = |context| {
            let mut span = tracer.within(name, kind, Some(context));
            span.say("messaging.batch.message_count", Value::Number(items as u64));
            span
        };
        Self(traces.into_iter().map(span).collect())
    }

    /// What happens because of them goes on here.
    pub(crate) fn contexts(&self) -> Vec<Context> {
        self.0.iter().filter_map(Span::context).collect()
    }

    /// Says what they were spent with.
    pub(crate) fn say(&mut self, key: &'static str, word: &'static str) {
        self.0.iter_mut().for_each(|span| span.say(key, Value::Word(word)));
    }

    /// It has failed.
    pub(crate) fn fail(&mut self, why: &'static str) {
        self.0.iter_mut().for_each(|span| span.fail(why));
    }
}
