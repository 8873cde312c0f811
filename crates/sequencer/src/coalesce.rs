//! Asks once for the numbers of all who wait for one in the same application, in whichever of its chats: for numbers, what group
//! commit is for writes.
//!
//! A lone caller asks at once. While its call is under way, those that come gather, and are given their numbers by the next call:
//! in each chat consecutive ones, in the order in which they came. So a busy application costs Redis and this process a call for
//! dozens of numbers. (Two calls at a time would shorten the wait for the next, at the price of more of them.) Each call takes
//! numbers that nobody else gets, whoever of its callers still waits for them: one that has gone away leaves a gap, as it would
//! alone. That a caller goes away must never keep another from its number.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use domain::{ApplicationToken, ChatNumber};
use events::Epoch;
use tokio::{runtime::Handle, sync::oneshot};

use crate::{
    Adopted, Error, MessageIssue, Outage, Sequencer,
    shares::{Answer, Answers, Share, part},
};

/// Numbers that one call takes at most, unless a single caller asks for more.
const MAX_NUMBERS: u32 = 1_000;

/// Callers that one call serves at most, and so the chats that it is about: Redis does nothing else until it is done with them.
const MAX_CALLERS: usize = 256;

/// What a call is about: numbers of one epoch and one application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Series {
    epoch: Epoch,
    token: ApplicationToken,
}

#[derive(Debug)]
struct Waiter {
    chat: ChatNumber,
    count: u16,
    answer: oneshot::Sender<Answer>,
}

/// Takes messages' numbers for many callers together. Clones share the calls.
#[derive(Debug, Clone)]
pub struct Coalescer {
    sequencer: Sequencer,
    runtime: Handle,
    /// Those who wait for the next call, in the order in which they came, for each series with a call under way.
    waiting: Arc<Mutex<HashMap<Series, VecDeque<Waiter>>>>,
}

impl Coalescer {
    /// Calls for those who have waited are made on the current runtime.
    pub fn new(sequencer: Sequencer) -> Self {
        Self { sequencer, runtime: Handle::current(), waiting: Arc::default() }
    }

    /// Takes a chat's next `count` message numbers, which follow one another, as [`Sequencer::issue_messages_once`] does for a
    /// request with neither key nor charge: by the next call for its application. The caller sets the deadline: each call has
    /// one, but several may go before. Nothing but the callers themselves bounds how many of them wait. With the answer comes
    /// when the call began: a number was taken after that, however late its caller is told.
    ///
    /// # Errors
    /// Any [`Error`]. After [`Error::Unavailable`] the numbers may have been taken, and nobody gets them. When a call fails,
    /// those who wait for the next one are told the same.
    pub async fn issue_messages(
        &self,
        adopted: &Arc<Adopted>,
        token: ApplicationToken,
        chat: ChatNumber,
        count: u16,
    ) -> Result<(MessageIssue, Instant), Error> {
        let series = Series { epoch: adopted.record().epoch, token };
        let Some(answered) = self.join(series, chat, count) else {
            let mut turn = Turn { calls: self, adopted, series, failure: None };
            let answers = turn.call(&[(chat, count)]).await;
            return Share::default().of(&answers);
        };
        answered.await.unwrap_or(Err(Error::Unavailable(Outage::TimedOut)))
    }

    /// Waits for the next call if there is one under way; else the caller's own is.
    fn join(&self, series: Series, chat: ChatNumber, count: u16) -> Option<oneshot::Receiver<Answer>> {
        let mut waiting = self.lock();
        match waiting.get_mut(&series) {
            Some(waiters) => {
                let (answer, answered) = oneshot::channel();
                waiters.push_back(Waiter { chat, count, answer });
                Some(answered)
            }
            None => {
                waiting.insert(series, VecDeque::new());
                None
            }
        }
    }

    /// Those whose turn it is when a call has ended; if there are none, no call is under way any more.
    fn next(&self, series: Series) -> Vec<Waiter> {
        let mut waiting = self.lock();
        let Some(waiters) = waiting.get_mut(&series) else { return Vec::new() };
        let (mut next, mut numbers) = (Vec::new(), 0);
        while let Some(first) = waiters.pop_front() {
            if first.answer.is_closed() {
                continue;
            }
            let with_it = numbers + u32::from(first.count);
            if !next.is_empty() && (next.len() == MAX_CALLERS || with_it > MAX_NUMBERS) {
                waiters.push_front(first);
                break;
            }
            numbers = with_it;
            next.push(first);
        }
        if next.is_empty() {
            waiting.remove(&series);
        }
        next
    }

    async fn serve(self, adopted: Arc<Adopted>, series: Series, waiters: Vec<Waiter>) {
        let mut turn = Turn { calls: &self, adopted: &adopted, series, failure: None };
        let (chats, shares) = part(waiters.iter().map(|waiter| (waiter.chat, waiter.count)));
        let answers = turn.call(&chats).await;
        for (waiter, share) in waiters.into_iter().zip(shares) {
            let _ = waiter.answer.send(share.of(&answers));
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

    fn lock(&self) -> MutexGuard<'_, HashMap<Series, VecDeque<Waiter>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way. When it has ended, or its caller has gone away in the middle of it, the next one begins. If it has failed
/// those who wait are told so: one after the other they would learn it late.
struct Turn<'a> {
    calls: &'a Coalescer,
    adopted: &'a Arc<Adopted>,
    series: Series,
    failure: Option<Error>,
}

impl Turn<'_> {
    async fn call(&mut self, chats: &[(ChatNumber, u16)]) -> Answers {
        let began = Instant::now();
        let answers = self.calls.sequencer.issue_in_chats(self.adopted, self.series.token, chats).await;
        self.failure = answers.as_ref().err().cloned();
        answers.map(|issues| (issues, began))
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
