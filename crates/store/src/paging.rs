//! Pages of a list that is ordered by number: always a seek, never an offset.

use std::ops::RangeInclusive;

use domain::{Page, PageRequest};

use crate::{Connection, Error};

/// The rows of a page: numbers within `numbers`, at most `limit`, from the low end or from the high one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seek {
    pub(crate) numbers: RangeInclusive<u64>,
    pub(crate) from_the_end: bool,
    pub(crate) limit: i64,
}

/// A list whose entries are found by number, from 1.
pub(crate) trait List {
    type Entry;

    fn number(entry: &Self::Entry) -> u64;

    /// The entries that `seek` asks for, in the order in which it finds them.
    async fn entries(&self, conn: &mut Connection, seek: Seek) -> Result<Vec<Self::Entry>, Error>;

    /// Whether any entry's number lies within `numbers`.
    async fn any(&self, conn: &mut Connection, numbers: RangeInclusive<u64>) -> Result<bool, Error>;
}

/// The page that `request` asks for. The seek begins with the entry before the page, mostly one that the client was shown last,
/// and ends with one more than the page holds: so it tells of both sides whether there are others. Only where the entry before
/// the page is missing does that cost a second seek.
pub(crate) async fn page<L: List>(list: &L, conn: &mut Connection, request: PageRequest) -> Result<Page<L::Entry>, Error> {
    // At most a hundred.
    let limit = request.limit().get();
    let most = limit as usize;
    match request {
        PageRequest::After { after, .. } => {
            let (is_there, mut entries) = beside(list, conn, after, false, limit).await?;
            let has_next = entries.len() > most;
            entries.truncate(most);
            let has_previous = is_there || (after > 0 && list.any(conn, 0..=after).await?);
            Ok(Page { entries, has_previous, has_next })
        }
        PageRequest::Before { before, .. } => {
            let (is_there, mut entries) = beside(list, conn, before, true, limit).await?;
            let has_previous = entries.len() > most;
            entries.truncate(most);
            entries.reverse();
            let has_next = is_there || list.any(conn, before..=u64::MAX).await?;
            Ok(Page { entries, has_previous, has_next })
        }
        PageRequest::Span { first, .. } => {
            let before = first.saturating_sub(1);
            let (is_there, mut entries) = beside(list, conn, before, false, limit).await?;
            let last = first.saturating_add(limit - 1);
            let within = entries.partition_point(|entry| L::number(entry) <= last);
            let has_next = within < entries.len();
            entries.truncate(within);
            let has_previous = is_there || (before > 0 && list.any(conn, 0..=before).await?);
            Ok(Page { entries, has_previous, has_next })
        }
    }
}

/// Whether the entry of this number is there, and at least `limit` of those that follow it and one more, as far as there are any.
async fn beside<L: List>(
    list: &L,
    conn: &mut Connection,
    number: u64,
    from_the_end: bool,
    limit: u64,
) -> Result<(bool, Vec<L::Entry>), Error> {
    let numbers = if from_the_end { 0..=number } else { number..=u64::MAX };
    let mut entries = list.entries(conn, Seek { numbers, from_the_end, limit: limit as i64 + 2 }).await?;
    let is_there = entries.first().is_some_and(|entry| L::number(entry) == number);
    if is_there {
        entries.remove(0);
    }
    Ok((is_there, entries))
}
