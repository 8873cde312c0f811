//! The rows of the outbox that a relay has in hand: nobody else's while it works on them, and soon anybody's when it dies.
//!
//! A lease is short, and renewed while the work goes on, however slow the index is. So rows whose relay was killed, or lost
//! MySQL, come due within [`LEASE`]. What is done with, or put off until later, must be let go, or it would come due with the
//! rest. It must never be relied on for more than that: two relays that do the same work after all only waste it, for both give
//! the index what MySQL holds.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::Timestamp;
use store::{
    Connection, Error, Store,
    outbox::{self, Due},
    transaction,
};
use tokio::time::{Instant, sleep};

/// How long rows are nobody else's after they were taken, or their lease was renewed.
const LEASE: Duration = Duration::from_secs(8);
/// How soon a lease is renewed: a failure or two do not end it.
const RENEW_EVERY: Duration = Duration::from_secs(2);

/// What one relay has in hand, from turn to turn.
pub(crate) struct Lease {
    store: Store,
    held: Mutex<Held>,
}

struct Held {
    ids: BTreeSet<u64>,
    /// From then on they may be another's.
    until: Instant,
}

impl Lease {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, held: Mutex::new(Held { ids: BTreeSet::new(), until: Instant::now() }) }
    }

    /// Takes rows that are due; first it gives back what could not be before. Rows that cannot be read are put off, not held.
    pub(crate) async fn take(&self, rows: u32) -> Result<Due, Error> {
        self.give_back().await?;
        let mut connection = self.store.acquire().await?;
        let until = Instant::now() + LEASE;
        let due = transaction(&mut connection, async |connection: &mut Connection| {
            let due = outbox::due(connection, Timestamp::now(), rows).await?;
            let ids: Vec<u64> = due.entries.iter().map(|entry| entry.id).collect();
            outbox::postpone(connection, &ids, from_now(LEASE)).await?;
            if !due.unreadable.is_empty() {
                outbox::postpone(connection, &due.unreadable, from_now(outbox::FARTHEST)).await?;
            }
            Ok::<_, Error>(due)
        })
        .await?;
        *self.held() = Held { ids: due.entries.iter().map(|entry| entry.id).collect(), until };
        Ok(due)
    }

    /// Does the work, and renews the lease of what is still in hand for as long as it takes.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            done = work => done,
            never = self.renew() => match never {},
        }
    }

    /// These rows are removed, or come due at a time of their own.
    pub(crate) fn let_go(&self, ids: &[u64]) {
        let mut held = self.held();
        ids.iter().for_each(|id| {
            held.ids.remove(id);
        });
    }

    /// Makes due at once what is still in hand. Where that fails it stays in hand, to be given back the next time.
    pub(crate) async fn give_back(&self) -> Result<(), Error> {
        let ids = self.ids();
        // A lease that has ended leaves nothing to give back: the rows are due, and may be in other hands.
        if !ids.is_empty() && Instant::now() < self.held().until {
            let mut connection = self.store.acquire().await?;
            outbox::postpone(&mut connection, &ids, Timestamp::now()).await?;
        }
        self.let_go(&ids);
        Ok(())
    }

    async fn renew(&self) -> Infallible {
        loop {
            sleep(RENEW_EVERY).await;
            let (ids, until) = (self.ids(), Instant::now() + LEASE);
            match self.postpone(&ids).await {
                Ok(()) => self.held().until = until,
                Err(error) => tracing::debug!(%error, "the lease of outbox rows is not renewed"),
            }
        }
    }

    async fn postpone(&self, ids: &[u64]) -> Result<(), Error> {
        let mut connection = self.store.acquire().await?;
        outbox::postpone(&mut connection, ids, from_now(LEASE)).await
    }

    fn ids(&self) -> Vec<u64> {
        self.held().ids.iter().copied().collect()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The moment that lies so far ahead.
pub(crate) fn from_now(wait: Duration) -> Timestamp {
    (Timestamp::now().to_datetime() + wait).into()
}
