//! Brings to the search index what the indexer did not: edits, batches for which it had no room, and whatever failed.
//!
//! It takes due rows of the outbox under a [lease](Lease) (so that replicas do not do the same work, and a row whose taker died
//! comes due again), reads their messages from MySQL as they are now, writes them, and only then removes the rows. Memory is
//! bounded by reading in pieces, whatever a row covers. A row, or a message, that somebody has made unreadable stays and is told;
//! it holds up no other, and neither do rows that fail by themselves while MySQL serves.

use std::{collections::VecDeque, time::Duration};

use backoff::{Backoff, Bounds};
use domain::{ApplicationId, ChatNumber, Message, Timestamp};
use futures_util::{StreamExt, stream};
use search::Document;
use store::{
    ErrorKind, Range, Store,
    messages::{self, Documents, Key},
    outbox::{self, Due, Entry},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    grouping::{groups, halves, is_enough, is_wide, parted, piece},
    index::{Aim, Index, Written},
    lease::{Lease, from_now},
};

/// Rows that are taken at once.
const ROWS: u32 = 64;
/// Groups on their way at once, each with a piece in memory: Elasticsearch writes one request to a shard with one processor, and
/// rests while MySQL is asked.
const AT_ONCE: usize = 2;
/// How long a row waits when the index took only part of it.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How long a row waits that cannot be worked off before somebody has mended what it speaks of.
const MENDING: Duration = outbox::FARTHEST;
/// How long a group may take that is on its way to the index when the process is told to stop.
const LAST: Duration = Duration::from_secs(1);

/// The relay of one process.
pub(crate) struct Relay {
    pub(crate) store: Store,
    pub(crate) lease: Lease,
    pub(crate) index: Index,
    pub(crate) interval: Duration,
    pub(crate) retry: Bounds,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Search(#[from] search::Error),
    #[error("the process stops")]
    Stopped,
}

impl Relay {
    /// Relays until `stop`. While there is much it goes on without pause; while something is down it backs off. What it has in
    /// hand at `stop` it finishes soon, or gives back: others leave it alone for as long as it is taken.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut backoff = Backoff::new(self.retry);
        while !stop.is_cancelled() {
            let go_on = match self.turn(&stop).await {
                Ok(rows) => {
                    backoff.reset();
                    rows == ROWS as usize || stop.run_until_cancelled(sleep(self.interval)).await.is_some()
                }
                Err(error) => {
                    tracing::debug!(%error, "outbox rows put back");
                    stop.run_until_cancelled(backoff.wait()).await.is_some()
                }
            };
            if !go_on {
                return;
            }
        }
    }

    /// Takes what is due and relays it; returns how many rows it took.
    async fn turn(&self, stop: &CancellationToken) -> Result<usize, Error> {
        let due = self.take().await?;
        let outcome = self.lease.during(self.relay_groups(&due.entries, stop)).await;
        // Of a group that failed and of those that were not begun. Of another that was under way only what it has not put off.
        self.lease.give_back().await?;
        outcome.map(|()| due.entries.len() + due.unreadable.len())
    }

    /// Relays the rows in groups, until the first that fails, or that was not begun when the process stops.
    async fn relay_groups(&self, entries: &[Entry], stop: &CancellationToken) -> Result<(), Error> {
        let to_do: Vec<_> = groups(entries).map(|group| self.begin(group, stop)).collect();
        let mut relayed = stream::iter(to_do).buffer_unordered(AT_ONCE);
        loop {
            let next = tokio::select! {
                biased;
                next = relayed.next() => next,
                () = long_after(stop) => return Err(Error::Stopped),
            };
            if next.transpose()?.is_none() {
                return Ok(());
            }
        }
    }

    /// Relays a group, unless the process stops. One that fails though MySQL serves is left for later: given back, it would be
    /// the first again and again.
    async fn begin(&self, group: &[Entry], stop: &CancellationToken) -> Result<(), Error> {
        if stop.is_cancelled() {
            return Err(Error::Stopped);
        }
        match self.relay(group).await {
            Err(Error::Store(error)) if error.took_too_long() => self.leave(group, &error, RETRY_AFTER).await,
            Err(Error::Store(error)) if error.kind() != ErrorKind::Transient => self.leave(group, &error, MENDING).await,
            outcome => outcome,
        }
    }

    async fn leave(&self, group: &[Entry], error: &store::Error, wait: Duration) -> Result<(), Error> {
        let ids: Vec<u64> = group.iter().map(|entry| entry.id).collect();
        self.put_off(&ids, wait).await?;
        let (rows, row) = (ids.len(), ids.first());
        tracing::warn!(rows, row, %error, "rows of search_outbox fail, and hold up no other; they are tried again");
        Ok(())
    }

    async fn take(&self) -> Result<Due, store::Error> {
        let due = self.lease.take(ROWS).await?;
        if let Some(row) = due.unreadable.first() {
            let rows = due.unreadable.len();
            tracing::error!(rows, row, "rows of search_outbox cannot be read: remove them by id, then `chatctl verify --repair`");
        }
        Ok(due)
    }

    /// Brings the rows' messages to the index, and removes the rows; those of messages that cannot be read it puts off.
    async fn relay(&self, group: &[Entry]) -> Result<(), Error> {
        let aim = Aim::now(&self.store).await?;
        let mut left: VecDeque<Range> = group.iter().flat_map(|entry| entry.ranges.iter().copied()).collect();
        let mut unreadable = Vec::new();
        loop {
            let documents = self.gather(&mut left, &mut unreadable).await?;
            if documents.is_empty() {
                break;
            }
            if self.index.write(&documents, aim).await? == Written::InPart {
                let ids: Vec<u64> = group.iter().map(|entry| entry.id).collect();
                return Ok(self.put_off(&ids, RETRY_AFTER).await?);
            }
        }
        let (kept, done) = parted(group, &unreadable);
        if let Some((application, chat, number)) = unreadable.first() {
            let (key, messages) = (format!("{}/{chat}/{number}", application.get()), unreadable.len());
            tracing::error!(key, messages, "messages cannot be read, so they are not indexed until they are mended");
            self.put_off(&kept, MENDING).await?;
        }
        let mut connection = self.store.acquire().await?;
        outbox::remove(&mut connection, &done, aim.reindex, Timestamp::now()).await?;
        self.lease.let_go(&done);
        Ok(())
    }

    /// Reads pieces until there is enough for a request; none when there is nothing left.
    async fn gather(&self, left: &mut VecDeque<Range>, unreadable: &mut Vec<Key>) -> Result<Vec<Document>, store::Error> {
        let mut documents = Vec::new();
        while !is_enough(&documents) {
            self.pass_over_nothing(left).await?;
            let piece = piece(left);
            if piece.is_empty() {
                break;
            }
            documents.extend(self.read(piece, unreadable).await?);
        }
        Ok(documents)
    }

    /// A wide range begins with a message that is there, whenever it comes to the front: so a row costs by what is stored,
    /// whatever numbers it speaks of.
    async fn pass_over_nothing(&self, left: &mut VecDeque<Range>) -> Result<(), store::Error> {
        while let Some(range) = left.front_mut().filter(|range| is_wide(range)) {
            let first = messages::first_within(&mut *self.store.acquire().await?, *range).await?;
            if let Some(first) = first {
                range.first = first;
                break;
            }
            left.pop_front();
        }
        Ok(())
    }

    /// Reads a piece, in halves if it takes too long: it would the next time, too.
    async fn read(&self, piece: Vec<Range>, unreadable: &mut Vec<Key>) -> Result<Vec<Document>, store::Error> {
        let (mut parts, mut documents) = (vec![piece], Vec::new());
        while let Some(part) = parts.pop() {
            match self.read_at_once(&part).await {
                Ok(stored) => {
                    unreadable.extend(stored.unreadable);
                    documents.extend(stored.messages.into_iter().map(document));
                }
                Err(error) => match halves(&part) {
                    Some([first, second]) if error.took_too_long() => parts.extend([second, first]),
                    _ => return Err(error),
                },
            }
        }
        Ok(documents)
    }

    async fn read_at_once(&self, ranges: &[Range]) -> Result<Documents, store::Error> {
        messages::documents(&mut *self.store.acquire().await?, ranges).await
    }

    async fn put_off(&self, ids: &[u64], wait: Duration) -> Result<(), store::Error> {
        let mut connection = self.store.acquire().await?;
        outbox::postpone(&mut connection, ids, from_now(wait)).await?;
        self.lease.let_go(ids);
        Ok(())
    }
}

fn document((application_id, chat, message): (ApplicationId, ChatNumber, Message)) -> Document {
    Document { application_id, chat, number: message.number, version: message.version, body: message.body }
}

async fn long_after(stop: &CancellationToken) {
    stop.cancelled().await;
    sleep(LAST).await;
}
