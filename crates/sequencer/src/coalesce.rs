//! Asks once for the numbers of all who wait for one in the same application, in whichever of its chats: for numbers, what group
//! commit is for writes.
//!
//! A lone caller's call is made at once. While it is under way, those that come gather, and are given their numbers by the next
//! one: in each chat consecutive ones, in the order in which they came. So a busy application costs Redis and this process a call
//! for dozens of numbers. (Two calls at a time would shorten the wait for the next, at the price of more of them.) Each call takes
//! numbers that nobody else gets, whoever of its callers still waits for them: one that has gone away leaves a gap, as it would
//! alone. That a caller goes away must never keep another from its number.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use domain::{ApplicationToken, ChatNumber};
use events::Epoch;
use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use crate::{
    Adopted, Error, MessageIssue, Outage, Sequencer,
    shares::{Answer, part},
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
    /// Calls are made on the current runtime.
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
        let (answer, answered) = oneshot::channel();
        if self.is_first(series, Waiter { chat, count, answer }) {
            self.runtime.spawn(self.clone().serve(adopted.clone(), series));
        }
        answered.await.unwrap_or(Err(Error::Unavailable(Outage::TimedOut)))
    }

    /// Lets one wait for the next call. `true`: nobody makes any for this series, so the caller sees to that.
    fn is_first(&self, series: Series, waiter: Waiter) -> bool {
        match self.lock().entry(series) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push_back(waiter);
                false
            }
            Entry::Vacant(none) => {
                none.insert(VecDeque::from([waiter]));
                true
            }
        }
    }

    /// Those whose turn it is; if there are none, no call is made for this series any more.
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

    /// Makes calls until nobody waits for one. If one fails those who wait for the next are told so: one after the other they
    /// would learn it late.
    async fn serve(self, adopted: Arc<Adopted>, series: Series) {
        let _served = Served { calls: &self, series };
        loop {
            // Those who come in the same moment, because what they waited for has ended together, go along.
            yield_now().await;
            let waiters = self.next(series);
            if waiters.is_empty() {
                return;
            }
            let (chats, shares) = part(waiters.iter().map(|waiter| (waiter.chat, waiter.count)));
            let began = Instant::now();
            let answers = self.sequencer.issue_in_chats(&adopted, series.token, &chats).await.map(|issues| (issues, began));
            for (waiter, share) in waiters.into_iter().zip(shares) {
                let _ = waiter.answer.send(share.of(&answers));
            }
            if let Err(error) = answers {
                return self.fail(series, &error);
            }
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

/// A panic ends the calls of a series: those who wait learn it at once, and whoever comes next has calls made again.
struct Served<'a> {
    calls: &'a Coalescer,
    series: Series,
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.calls.fail(self.series, &Error::Unavailable(Outage::TimedOut));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::settings::tests::settings;

    #[tokio::test]
    async fn a_panic_leaves_nobody_waiting_and_calls_are_made_again() {
        // Nothing listens there, and nothing is asked.
        let settings = settings("redis://127.0.0.1:1", "");
        let calls = Coalescer::new(Sequencer::connect(&settings).unwrap());
        let series = Series { epoch: Epoch::new(1), token: ApplicationToken::generate().unwrap() };
        let waiter = || {
            let (answer, answered) = oneshot::channel();
            (Waiter { chat: ChatNumber::FIRST, count: 1, answer }, answered)
        };
        let (first, mut answered) = waiter();
        assert!(calls.is_first(series, first));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _served = Served { calls: &calls, series };
            panic!("as a call might");
        }));
        assert!(panicked.is_err());
        assert!(matches!(answered.try_recv(), Ok(Err(Error::Unavailable(Outage::TimedOut)))));
        assert!(calls.is_first(series, waiter().0), "nobody would make a call for whoever comes next");
    }
}
