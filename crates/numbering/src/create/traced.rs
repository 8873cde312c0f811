//! The spans of a create: taking its number, and having it published and confirmed. They hold no key, no token and no text.

use std::future::Future;

use trace::{Kind, Parent, Span, Value};

use crate::{Error, servers::InEpoch};

/// The call of Redis that gives a number.
pub(super) async fn taking_number<T, E>(of: &Parent, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let mut span = of.begin("take a number", Kind::Client);
    span.say("db.system.name", Value::Word("redis"));
    let outcome = span.during(call).await;
    if outcome.is_err() {
        span.fail("no number was given");
    }
    outcome
}

/// Publishing: what is stored later goes on from here.
pub(super) struct Publishing<'a> {
    of: &'a Parent,
    span: Span,
}

impl<'a> Publishing<'a> {
    pub(super) fn begin(of: &'a Parent) -> Self {
        let mut span = of.begin("publish", Kind::Producer);
        span.say("messaging.system", Value::Word("rabbitmq"));
        Self { of, span }
    }

    /// What the item bears: its place, or the caller's if it is not traced here.
    pub(super) fn text(&self) -> Option<String> {
        self.span.context().or(self.of.context()).map(|context| context.to_string())
    }

    /// Lasts until it is published, or not.
    pub(super) async fn watch(
        mut self,
        publishing: impl Future<Output = Result<InEpoch<()>, Error>>,
    ) -> Result<InEpoch<()>, Error> {
        let outcome = self.span.during(publishing).await;
        match outcome {
            Ok(InEpoch::Done(())) => {}
            Ok(InEpoch::Over) => self.span.fail("returned"),
            Err(_) => self.span.fail("not confirmed"),
        }
        outcome
    }
}
