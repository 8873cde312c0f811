//! One seeding at a time for each counter, whose outcome all share that wait for it ("single flight").
//!
//! After an epoch opened a herd of creates finds the same counter missing in the same moment. The counter is set once, so it is
//! read once: MySQL is not asked by each of them. A flight is nobody's own: it goes on when the create that began it is given up.
//!
//! It must never tell one who came after its beginning that something does not exist: it may have looked before it was made.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::{ApplicationToken, ChatNumber};
use events::Epoch;
use tokio::{runtime::Handle, sync::watch, time::timeout_at};

use crate::{Dependency, Error};

/// A flight waits for its fence for so long, or until the deadline of who began it: while the consumer is away the creates of a
/// counter cost one fence in that time.
const LIMIT: Duration = Duration::from_secs(3);
/// Flights at a time. They may outlive the requests that bound them otherwise.
const MAX_FLIGHTS: usize = 10_000;

/// A counter that is to be seeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Counter {
    pub(crate) epoch: Epoch,
    pub(crate) token: ApplicationToken,
    /// `None`: the application's chats. Else this chat's messages.
    pub(crate) chat: Option<ChatNumber>,
}

/// How far a flight is.
#[derive(Debug, Clone, Copy)]
enum Progress {
    /// It waits for its fence.
    Fencing,
    /// It asks MySQL, and sets the counter.
    Reading,
    Ended(Result<(), Error>),
}

/// For a flight to tell how far it is.
pub(crate) struct Pilot {
    progress: watch::Sender<Progress>,
    /// The latest moment for its fence's answer.
    pub(crate) until: Instant,
}

impl Pilot {
    pub(crate) fn is_behind_its_fence(&self) {
        self.progress.send_replace(Progress::Reading);
    }
}

#[derive(Clone)]
struct Flight {
    began: Instant,
    progress: watch::Receiver<Progress>,
}

impl Flight {
    /// Its outcome; at `deadline` what it still waits for.
    async fn outcome(&mut self, deadline: Instant) -> Result<(), Error> {
        let ended = self.progress.wait_for(|progress| matches!(progress, Progress::Ended(_)));
        drop(timeout_at(deadline.into(), ended).await);
        match *self.progress.borrow() {
            Progress::Fencing => Err(Error::Unavailable(Dependency::Consumer)),
            Progress::Reading => Err(Error::TimedOut),
            Progress::Ended(outcome) => outcome,
        }
    }
}

/// All flights that are under way. Clones share them.
#[derive(Clone)]
pub(crate) struct Flights {
    runtime: Handle,
    under_way: Arc<Mutex<HashMap<Counter, Flight>>>,
}

impl Flights {
    /// They go on on the current runtime, whoever begins them.
    pub(crate) fn new() -> Self {
        Self { runtime: Handle::current(), under_way: Arc::default() }
    }

    /// Waits for a flight of this counter, which `seed` begins if none is under way.
    ///
    /// # Errors
    /// What the flight fails with; [`Error::Overloaded`] when too many are under way; at `deadline` what is waited for then.
    pub(crate) async fn join<F>(&self, counter: Counter, deadline: Instant, seed: impl Fn(Pilot) -> F) -> Result<(), Error>
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let came = Instant::now();
        let mut flight = self.join_or_begin(counter, deadline, &seed)?;
        let outcome = flight.outcome(deadline).await;
        let may_differ =
            matches!(outcome, Err(Error::UnknownApplication | Error::UnknownChat | Error::Unavailable(Dependency::Consumer)));
        if flight.began >= came || !may_differ || Instant::now() >= deadline {
            return outcome;
        }
        // That one looked too early, or waited since long ago. It is gone, so this one begins now.
        self.join_or_begin(counter, deadline, &seed)?.outcome(deadline).await
    }

    fn join_or_begin<F>(&self, counter: Counter, deadline: Instant, seed: &impl Fn(Pilot) -> F) -> Result<Flight, Error>
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let mut under_way = self.lock();
        if let Some(flight) = under_way.get(&counter) {
            return Ok(flight.clone());
        }
        if under_way.len() >= MAX_FLIGHTS {
            return Err(Error::Overloaded);
        }
        let (sender, progress) = watch::channel(Progress::Fencing);
        let flight = Flight { began: Instant::now(), progress };
        under_way.insert(counter, flight.clone());
        drop(under_way);
        let pilot = Pilot { progress: sender.clone(), until: deadline.max(flight.began + LIMIT) };
        let landing = Landing { flights: self.clone(), counter, progress: sender, outcome: Err(Error::TimedOut) };
        let seeding = seed(pilot);
        self.runtime.spawn(async move { landing.with(seeding.await) });
        Ok(flight)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Counter, Flight>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes room for the next flight, and then tells the outcome, however this one ends: with its runtime, too.
struct Landing {
    flights: Flights,
    counter: Counter,
    progress: watch::Sender<Progress>,
    outcome: Result<(), Error>,
}

impl Landing {
    fn with(mut self, outcome: Result<(), Error>) {
        self.outcome = outcome;
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.counter);
        self.progress.send_replace(Progress::Ended(self.outcome));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{sync::Notify, task::yield_now};

    use super::*;

    fn counter() -> Counter {
        Counter { epoch: Epoch::new(1), token: ApplicationToken::generate().unwrap(), chat: None }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    /// Seedings that end when they are told to, and how many were begun.
    #[derive(Clone, Default)]
    struct Seeder(Arc<(Notify, AtomicUsize)>);

    impl Seeder {
        async fn seed(self, outcomes: &'static [Result<(), Error>]) -> Result<(), Error> {
            let turn = self.0.1.fetch_add(1, Ordering::Relaxed);
            self.0.0.notified().await;
            outcomes[turn]
        }

        async fn has_begun(&self, seedings: usize) {
            let deadline = soon();
            while self.0.1.load(Ordering::Relaxed) < seedings {
                assert!(Instant::now() < deadline, "no seeding begins");
                yield_now().await;
            }
        }
    }

    /// Joins on another task; has joined when this returns.
    async fn join(
        flights: &Flights,
        counter: Counter,
        seeder: &Seeder,
        outcomes: &'static [Result<(), Error>],
    ) -> tokio::task::JoinHandle<Result<(), Error>> {
        let (flights, seeder) = (flights.clone(), seeder.clone());
        let joined = tokio::spawn(async move { flights.join(counter, soon(), |_| seeder.clone().seed(outcomes)).await });
        yield_now().await;
        joined
    }

    #[tokio::test]
    async fn a_herd_shares_one_seeding_which_outlives_who_began_it() {
        let (flights, counter, seeder) = (Flights::new(), counter(), Seeder::default());
        let first = join(&flights, counter, &seeder, &[Ok(())]).await;
        seeder.has_begun(1).await;
        let mut herd = Vec::new();
        for _ in 0..100 {
            herd.push(join(&flights, counter, &seeder, &[Ok(())]).await);
        }
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        seeder.0.0.notify_one();
        for joined in herd {
            assert_eq!(joined.await.unwrap(), Ok(()));
        }
        assert_eq!(seeder.0.1.load(Ordering::Relaxed), 1);
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn what_is_missing_is_looked_for_again_for_those_who_came_later() {
        let (flights, counter, seeder) = (Flights::new(), counter(), Seeder::default());
        let outcomes = &[Err(Error::UnknownChat), Ok(())];
        let early = join(&flights, counter, &seeder, outcomes).await;
        seeder.has_begun(1).await;
        let late = [join(&flights, counter, &seeder, outcomes).await, join(&flights, counter, &seeder, outcomes).await];
        seeder.0.0.notify_one();
        assert_eq!(early.await.unwrap(), Err(Error::UnknownChat));
        seeder.has_begun(2).await;
        seeder.0.0.notify_one();
        for late in late {
            assert_eq!(late.await.unwrap(), Ok(()));
        }
        assert_eq!(seeder.0.1.load(Ordering::Relaxed), 2, "the two that came later share the second one");
    }

    #[tokio::test]
    async fn who_runs_out_of_time_is_told_what_is_waited_for() {
        let (flights, counter) = (Flights::new(), counter());
        let now = Instant::now();
        let fencing = flights.join(counter, now, |_| std::future::pending()).await;
        assert_eq!(fencing, Err(Error::Unavailable(Dependency::Consumer)));
        let other = Counter { chat: ChatNumber::new(1).ok(), ..counter };
        let behind = |pilot: Pilot| async move {
            pilot.is_behind_its_fence();
            std::future::pending::<Result<(), Error>>().await
        };
        let reading = flights.join(other, Instant::now() + Duration::from_millis(50), behind).await;
        assert_eq!(reading, Err(Error::TimedOut));
    }
}
