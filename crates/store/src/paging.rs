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

/// A list whose entries are found by number.
pub(crate) trait List {
    type Entry;

    /// The entries that `seek` asks for, in the order in which it finds them.
    async fn entries(&self, conn: &mut Connection, seek: Seek) -> Result<Vec<Self::Entry>, Error>;

    /// Whether any entry's number lies within `numbers`.
    async fn any(&self, conn: &mut Connection, numbers: RangeInclusive<u64>) -> Result<bool, Error>;
}

/// The page that `request` asks for. One entry more than the page holds tells whether there are others on the side that is read
/// towards; whether there are any on the other side costs a second seek, which the list's first page is spared.
pub(crate) async fn page<L: List>(list: &L, conn: &mut Connection, request: PageRequest) -> Result<Page<L::Entry>, Error> {
    let limit = request.limit().get();
    match request {
        PageRequest::After { after, .. } => {
            let (entries, has_next) = read(list, conn, after.saturating_add(1)..=u64::MAX, false, limit).await?;
            let has_previous = after > 0 && list.any(conn, 0..=after).await?;
            Ok(Page { entries, has_previous, has_next })
        }
        PageRequest::Before { before, .. } => {
            let (mut entries, has_previous) = read(list, conn, 0..=before.saturating_sub(1), true, limit).await?;
            entries.reverse();
            let has_next = list.any(conn, before..=u64::MAX).await?;
            Ok(Page { entries, has_previous, has_next })
        }
        PageRequest::Span { first, .. } => {
            let last = first.saturating_add(limit - 1);
            let (entries, _) = read(list, conn, first..=last, false, limit).await?;
            let has_previous = first > 1 && list.any(conn, 0..=first - 1).await?;
            let has_next = list.any(conn, last.saturating_add(1)..=u64::MAX).await?;
            Ok(Page { entries, has_previous, has_next })
        }
    }
}

/// At most `limit` entries, and whether there are more.
async fn read<L: List>(
    list: &L,
    conn: &mut Connection,
    numbers: RangeInclusive<u64>,
    from_the_end: bool,
    limit: u64,
) -> Result<(Vec<L::Entry>, bool), Error> {
    // A page has at most a hundred entries.
    let limit = limit as usize;
    let mut entries = list.entries(conn, Seek { numbers, from_the_end, limit: limit as i64 + 1 }).await?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    Ok((entries, more))
}
