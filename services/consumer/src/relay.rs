//! Brings to the search index what the indexer did not: edits, batches for which it had no room, and whatever failed.
//!
//! It takes due rows of the outbox for a while (so that replicas do not do the same work, and a row whose taker died comes due
//! again), reads their messages from MySQL as they are now, writes them, and only then removes the rows. Memory is bounded by
//! reading in pieces, whatever a row covers. A row, or a message, that somebody has made unreadable stays and is told; it holds up no
//! other.

use std::{iter, time::Duration};

use domain::{ApplicationId, ChatNumber, Message, MessageNumber, Timestamp};
use futures_util::{StreamExt, stream};
use search::Document;
use store::{
    Connection, Range, Store,
    messages::{self, Key},
    outbox::{self, Due, Entry},
    transaction,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::{Backoff, Bounds},
    index::{Aim, Index, Written},
};

/// Rows that are taken at once.
const ROWS: u32 = 64;
/// How long taken rows are nobody else's.
const LEASE: Duration = Duration::from_secs(30);
/// Messages that a group reads at once: at most 20 MB of text.
const PIECE: u64 = 500;
/// Groups on their way at once: Elasticsearch writes one request to a shard with one processor, and rests while MySQL is asked.
const AT_ONCE: usize = 2;
/// How long a row rests of which the index could not take a part.
const REST: Duration = Duration::from_secs(5);

/// How long a row rests that cannot be worked off before somebody has mended it, or what it speaks of.
const MENDING: Duration = outbox::FARTHEST;

/// How long a group may take that is on its way to the index when the process is told to stop.
const LAST: Duration = Duration::from_secs(1);

/// The relay of one process.
pub(crate) struct Relay {
    pub(crate) store: Store,
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
    /// Relays until `stop`. While there is much it goes on without pause; while something is down it backs off. What it has in hand at
    /// `stop` it finishes soon, or gives back: others leave it alone for as long as it is taken.
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
                    backoff.wait(&stop).await
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
        let mut left = due.entries.as_slice();
        let outcome = self.relay_groups(&mut left, stop).await;
        if !left.is_empty() {
            self.put_back(left, Duration::ZERO).await?;
        }
        outcome.map(|()| due.entries.len() + due.unreadable.len())
    }

    /// Relays the rows in groups, until the first that fails, or that was not begun when the process stops; what was done is
    /// taken from the front of `left`.
    async fn relay_groups(&self, left: &mut &[Entry], stop: &CancellationToken) -> Result<(), Error> {
        let to_do: Vec<_> = groups(left).map(|group| self.begin(group, stop)).collect();
        let mut relayed = stream::iter(to_do).buffered(AT_ONCE);
        loop {
            let next = tokio::select! {
                biased;
                next = relayed.next() => next,
                () = long_after(stop) => return Err(Error::Stopped),
            };
            let Some(rows) = next.transpose()? else { return Ok(()) };
            *left = &left[rows..];
        }
    }

    /// Relays a group, unless the process stops; returns how many rows it has.
    async fn begin(&self, group: &[Entry], stop: &CancellationToken) -> Result<usize, Error> {
        if stop.is_cancelled() {
            return Err(Error::Stopped);
        }
        self.relay(group).await?;
        Ok(group.len())
    }

    async fn take(&self) -> Result<Due, store::Error> {
        let mut connection = self.store.acquire().await?;
        let due = transaction(&mut connection, async |connection: &mut Connection| {
            let due = outbox::due(connection, Timestamp::now(), ROWS).await?;
            outbox::postpone(connection, &ids(&due.entries), from_now(LEASE)).await?;
            if !due.unreadable.is_empty() {
                outbox::postpone(connection, &due.unreadable, from_now(MENDING)).await?;
            }
            Ok::<_, store::Error>(due)
        })
        .await?;
        if let Some(row) = due.unreadable.first() {
            let rows = due.unreadable.len();
            tracing::error!(rows, row, "rows of search_outbox cannot be read: remove them by id, then `chatctl verify --repair`");
        }
        Ok(due)
    }

    /// Brings the rows' messages to the index, and removes the rows; those of messages that cannot be read it keeps.
    async fn relay(&self, group: &[Entry]) -> Result<(), Error> {
        let aim = Aim::now(&self.store).await?;
        let ranges = group.iter().flat_map(|entry| entry.ranges.iter().copied());
        let mut unreadable = Vec::new();
        for piece in pieces(ranges, PIECE) {
            let documents = self.read(&piece, &mut unreadable).await?;
            if self.index.write(&documents, aim).await? == Written::InPart {
                return Ok(self.put_back(group, REST).await?);
            }
        }
        let (kept, done) = parted(group, &unreadable);
        let mut connection = self.store.acquire().await?;
        if let Some((application, chat, number)) = unreadable.first() {
            let (key, messages) = (format!("{}/{chat}/{number}", application.get()), unreadable.len());
            tracing::error!(key, messages, "messages cannot be read, so they are not indexed until they are mended");
            outbox::postpone(&mut connection, &kept, from_now(MENDING)).await?;
        }
        Ok(outbox::remove(&mut connection, &done, aim.reindex, Timestamp::now()).await?)
    }

    async fn read(&self, ranges: &[Range], unreadable: &mut Vec<Key>) -> Result<Vec<Document>, store::Error> {
        let mut connection = self.store.acquire().await?;
        let stored = messages::documents(&mut connection, ranges).await?;
        unreadable.extend(stored.unreadable);
        let document = |(application_id, chat, message): (ApplicationId, ChatNumber, Message)| Document {
            application_id,
            chat,
            number: message.number,
            version: message.version,
            body: message.body,
        };
        Ok(stored.messages.into_iter().map(document).collect())
    }

    async fn put_back(&self, entries: &[Entry], rest: Duration) -> Result<(), store::Error> {
        let mut connection = self.store.acquire().await?;
        outbox::postpone(&mut connection, &ids(entries), from_now(rest)).await
    }
}

async fn long_after(stop: &CancellationToken) {
    stop.cancelled().await;
    sleep(LAST).await;
}

fn ids(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.id).collect()
}

/// The keys of the rows that speak of one of these messages, and of those that do not.
fn parted(group: &[Entry], messages: &[Key]) -> (Vec<u64>, Vec<u64>) {
    let speaks = |entry: &Entry| messages.iter().any(|key| entry.ranges.iter().any(|range| range.holds(*key)));
    let (speak, others): (Vec<&Entry>, Vec<&Entry>) = group.iter().partition(|entry| speaks(entry));
    let ids = |entries: Vec<&Entry>| entries.into_iter().map(|entry| entry.id).collect();
    (ids(speak), ids(others))
}

fn from_now(wait: Duration) -> Timestamp {
    (Timestamp::now().to_datetime() + wait).into()
}

/// The rows in the groups that are relayed together, in order.
fn groups(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    let mut left = entries;
    iter::from_fn(move || {
        let (group, rest) = left.split_at(together(left));
        left = rest;
        (!group.is_empty()).then_some(group)
    })
}

/// How many of the first rows go to the index together: single messages, as edits are, should not each cost a request.
fn together(entries: &[Entry]) -> usize {
    let sums = entries.iter().scan(0, |sum, entry| {
        *sum += entry.ranges.iter().map(length).sum::<u64>();
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= PIECE).count().max(1).min(entries.len())
}

fn length(range: &Range) -> u64 {
    range.last.get().saturating_sub(range.first.get()) + 1
}

/// Cuts ranges into pieces of at most `size` numbers, in order.
fn pieces(ranges: impl IntoIterator<Item = Range>, size: u64) -> Vec<Vec<Range>> {
    let mut pieces = Vec::new();
    let (mut piece, mut room) = (Vec::new(), size);
    for range in ranges {
        let mut first = range.first.get();
        while first <= range.last.get() {
            let last = range.last.get().min(first + room - 1);
            piece.push(part(range, first, last));
            room -= last - first + 1;
            first = last + 1;
            if room == 0 {
                pieces.push(std::mem::take(&mut piece));
                room = size;
            }
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// The numbers lie within the range, so they are valid as its own are.
fn part(range: Range, first: u64, last: u64) -> Range {
    let number = |number, bound| MessageNumber::new(number).unwrap_or(bound);
    Range { first: number(first, range.first), last: number(last, range.last), ..range }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(chat: u64, first: u64, last: u64) -> Range {
        let number = |number| MessageNumber::new(number).unwrap();
        Range {
            application_id: ApplicationId::new(1),
            chat: ChatNumber::new(chat).unwrap(),
            first: number(first),
            last: number(last),
        }
    }

    fn entry(ranges: Vec<Range>) -> Entry {
        Entry { id: 1, ranges }
    }

    #[test]
    fn a_large_range_is_read_in_pieces_and_small_ones_share_one() {
        assert_eq!(pieces([], 10), Vec::<Vec<Range>>::new());
        assert_eq!(
            pieces([range(1, 1, 4), range(2, 7, 25), range(3, 1, 1)], 10),
            [vec![range(1, 1, 4), range(2, 7, 12)], vec![range(2, 13, 22)], vec![range(2, 23, 25), range(3, 1, 1)]]
        );
        assert_eq!(pieces([range(1, 1, 10), range(1, 20, 20)], 10), [vec![range(1, 1, 10)], vec![range(1, 20, 20)]]);
    }

    #[test]
    fn only_the_rows_of_unreadable_messages_are_kept() {
        let group = [(1, range(1, 1, 9)), (2, range(2, 5, 5)), (3, range(1, 9, 9))];
        let group = group.map(|(id, range)| Entry { id, ranges: vec![range] });
        let key =
            |chat: u64, number| (ApplicationId::new(1), ChatNumber::new(chat).unwrap(), MessageNumber::new(number).unwrap());
        assert_eq!(parted(&group, &[]), (vec![], vec![1, 2, 3]));
        assert_eq!(parted(&group, &[key(1, 9), key(1, 10)]), (vec![1, 3], vec![2]));
    }

    #[test]
    fn single_messages_go_together_and_a_large_row_goes_alone() {
        let edit = || entry(vec![range(1, 5, 5)]);
        let large = || entry(vec![range(1, 1, PIECE), range(2, 1, 1)]);
        let sizes = |entries: &[Entry]| groups(entries).map(<[Entry]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&[edit(), edit(), edit()]), [3]);
        assert_eq!(sizes(&[edit(), large(), edit(), edit()]), [1, 1, 2]);
        assert_eq!(sizes(&[large(), edit()]), [1, 1]);
    }
}
