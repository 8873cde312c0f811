//! Asks once for the numbers of all who wait for one in the same chat: for numbers, what group commit is for writes.
//!
//! A lone caller asks at once. While its call is under way, those that come gather, and are given consecutive numbers by the next
//! call. So a busy chat costs Redis and this process a call for dozens of numbers. Each call takes numbers that nobody else gets,
//! whoever of its callers still waits for them: one that has gone away leaves a gap, as it would alone. That a caller goes away
//! must never keep another from its number.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use domain::{ApplicationToken, ChatNumber};
use events::Epoch;
use tokio::{runtime::Handle, sync::oneshot};

use crate::{Adopted, Error, MessageIssue, Outage, Sequencer};

/// Numbers that one call takes at most, unless a single caller asks for more.
const MAX_NUMBERS: u32 = 1_000;

/// What came of a call, and when it began: no number was taken before.
type Answer = Result<(MessageIssue, Instant), Error>;

/// What a call is about: numbers of one epoch and one chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Series {
    epoch: Epoch,
    token: ApplicationToken,
    chat: ChatNumber,
}

#[derive(Debug)]
struct Waiter {
    count: u16,
    answer: oneshot::Sender<Answer>,
}

/// Takes messages' numbers for many callers together. Clones share the calls.
#[derive(Debug, Clone)]
pub struct Coalescer {
    sequencer: Sequencer,
    runtime: Handle,
    /// Those who wait for the next call, for each series with a call under way.
    waiting: Arc<Mutex<HashMap<Series, Vec<Waiter>>>>,
}

impl Coalescer {
    /// Calls for those who have waited are made on the current runtime.
    pub fn new(sequencer: Sequencer) -> Self {
        Self { sequencer, runtime: Handle::current(), waiting: Arc::default() }
    }

    /// Takes a chat's next `count` message numbers, which follow one another, as [`Sequencer::issue_messages_once`] does for a
    /// request with neither key nor charge: by the next call, whose answer all its callers share. The caller sets the deadline:
    /// each call has one, but several may go before. Nothing but the callers themselves bounds how many of them wait. With the answer
    /// comes when the call began: a number was taken after that, however late its caller is told.
    ///
    /// # Errors
    /// Any [`Error`]. After [`Error::Unavailable`] the numbers may have been taken, and nobody gets them. When a call fails, those
    /// who wait for the next one are told the same.
    pub async fn issue_messages(
        &self,
        adopted: &Arc<Adopted>,
        token: ApplicationToken,
        chat: ChatNumber,
        count: u16,
    ) -> Result<(MessageIssue, Instant), Error> {
        let series = Series { epoch: adopted.record().epoch, token, chat };
        let Some(answered) = self.join(series, count) else {
            let mut turn = Turn { calls: self, adopted, series, failure: None };
            return turn.call(count).await;
        };
        answered.await.unwrap_or(Err(Error::Unavailable(Outage::TimedOut)))
    }

    /// Waits for the next call if there is one under way; else the caller's own is.
    fn join(&self, series: Series, count: u16) -> Option<oneshot::Receiver<Answer>> {
        let mut waiting = self.lock();
        match waiting.get_mut(&series) {
            Some(waiters) => {
                let (answer, answered) = oneshot::channel();
                waiters.push(Waiter { count, answer });
                Some(answered)
            }
            None => {
                waiting.insert(series, Vec::new());
                None
            }
        }
    }

    /// Those whose turn it is when a call has ended; if there are none, no call is under way any more.
    fn next(&self, series: Series) -> Vec<Waiter> {
        let mut waiting = self.lock();
        let Some(waiters) = waiting.get_mut(&series) else { return Vec::new() };
        waiters.retain(|waiter| !waiter.answer.is_closed());
        if waiters.is_empty() {
            waiting.remove(&series);
            return Vec::new();
        }
        let mut numbers = 0;
        let fitting = waiters.iter().take_while(|waiter| {
            let before = numbers;
            numbers += u32::from(waiter.count);
            before == 0 || numbers <= MAX_NUMBERS
        });
        let rest = waiters.split_off(fitting.count());
        mem::replace(waiters, rest)
    }

    async fn serve(self, adopted: Arc<Adopted>, series: Series, waiters: Vec<Waiter>) {
        let mut turn = Turn { calls: &self, adopted: &adopted, series, failure: None };
        let answer = turn.call(waiters.iter().map(|waiter| waiter.count).sum()).await;
        let mut given = 0;
        for waiter in waiters {
            let _ = waiter.answer.send(answer.clone().map(|(issue, began)| (share(issue, given), began)));
            given += waiter.count;
        }
    }

    /// Nobody waits for this series any more.
    fn fail(&self, series: Series, error: &Error) {
        // Not in the loop's head, where the lock would be held until all are woken.
        let waiters = self.lock().remove(&series).unwrap_or_default();
        for waiter in waiters {
            let _ = waiter.answer.send(Err(error.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Series, Vec<Waiter>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a call for several answers one of them, before whom so many numbers go to others.
fn share(issue: MessageIssue, before: u16) -> MessageIssue {
    match issue {
        MessageIssue::Issued { application_id, number } => MessageIssue::Issued { application_id, number: number.plus(before) },
        other => other,
    }
}

/// A call under way. When it has ended, or its caller has gone away in the middle of it, the next one begins. If it has failed those
/// who wait are told so: one after the other they would learn it late.
struct Turn<'a> {
    calls: &'a Coalescer,
    adopted: &'a Arc<Adopted>,
    series: Series,
    failure: Option<Error>,
}

impl Turn<'_> {
    async fn call(&mut self, count: u16) -> Answer {
        let Series { token, chat, .. } = self.series;
        let count = u64::from(count);
        let began = Instant::now();
        let answer = self.calls.sequencer.issue_messages_once(self.adopted, token, chat, count, None, None).await;
        self.failure = answer.as_ref().err().cloned();
        answer.map(|issue| (issue, began))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(error) = &self.failure {
            return self.calls.fail(self.series, error);
        }
        let waiters = self.calls.next(self.series);
        if !waiters.is_empty() {
            let next = self.calls.clone().serve(self.adopted.clone(), self.series, waiters);
            self.calls.runtime.spawn(next);
        }
    }
}
