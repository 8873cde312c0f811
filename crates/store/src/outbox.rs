//! The table `search_outbox`: what the search index has not seen yet.
//!
//! A row is written in the transaction of the rows it speaks of, and removed once the index holds them. It says where to look,
//! not what was there: the relay reads the messages as they are when it indexes them, so a late relay never writes an old text
//! over a new one.

use std::time::Duration;

use diesel::{
    OptionalExtension,
    dsl::sql,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Unsigned},
};
use diesel_async::RunQueryDsl;
use domain::Timestamp;

use crate::{Connection, Error, Range, schema::search_outbox};

/// No row is made due later than this: so long waits what somebody must mend, and nothing waits longer. What seems to be due
/// later than that was dated by a clock that was wrong, or is being looked at by one, and is due.
pub const FARTHEST: Duration = Duration::from_secs(60);

/// [`depth`] counts no further.
pub const MAX_DEPTH: u64 = 100_000;

/// A row of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The row's key.
    pub id: u64,
    /// The messages it speaks of.
    pub ranges: Vec<Range>,
}

/// Rows of the outbox that are due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// Those that can be worked off.
    pub entries: Vec<Entry>,
    /// The keys of those that cannot be read: someone else wrote them. They hold up no other row, if they are postponed too.
    pub unreadable: Vec<u64>,
}

impl Due {
    /// The keys of all.
    pub fn ids(&self) -> Vec<u64> {
        self.entries.iter().map(|entry| entry.id).chain(self.unreadable.iter().copied()).collect()
    }
}

/// Adds a row and returns its key. `due_at`: when the relay should take it, unless it was [removed](remove) before; not farther
/// ahead than [`FARTHEST`]. A batch that goes to the indexer directly is due a little later than now; an edit is due at once.
///
/// # Errors
/// [`Error`].
pub async fn add(conn: &mut Connection, ranges: &[Range], due_at: Timestamp, now: Timestamp) -> Result<u64, Error> {
    let ranges =
        serde_json::to_string(ranges).map_err(|error| Error::Query(diesel::result::Error::SerializationError(error.into())))?;
    diesel::insert_into(search_outbox::table)
        .values((
            search_outbox::due_at.eq(due_at.to_naive_utc()),
            search_outbox::ranges.eq(ranges),
            search_outbox::created_at.eq(now.to_naive_utc()),
        ))
        .execute(conn)
        .await?;
    Ok(conn.last_insert_id())
}

/// At most `limit` rows that are due, the longest due first, passing over those that another relay has in hand. They stay locked
/// until the transaction ends: [`postpone`] them in it, so that they are due again should this relay die, and commit before
/// the work with the index begins.
///
/// Rows are dated by whoever writes them, and no clock is always right: a row that is due farther ahead than [`FARTHEST`] is
/// taken, or an edit would not be found for as long as a clock was ahead. One that is taken too early is only indexed once more.
///
/// # Errors
/// [`Error`].
pub async fn due(conn: &mut Connection, now: Timestamp, limit: u32) -> Result<Due, Error> {
    let taken = |limit: usize| {
        let order = (search_outbox::due_at, search_outbox::id);
        let columns = (search_outbox::id, search_outbox::ranges);
        search_outbox::table.order(order).limit(limit as i64).select(columns).for_update().skip_locked()
    };
    let limit = limit as usize;
    let mut rows: Vec<(u64, String)> = taken(limit).filter(search_outbox::due_at.le(now.to_naive_utc())).load(conn).await?;
    // Not in one query: MySQL would sort what it finds, and lock all of it for the few that it returns.
    if rows.len() < limit {
        let farthest = Timestamp::from(now.to_datetime() + FARTHEST);
        let misdated = taken(limit - rows.len()).filter(search_outbox::due_at.gt(farthest.to_naive_utc()));
        rows.extend(misdated.load::<(u64, String)>(conn).await?);
    }
    let mut due = Due::default();
    for (id, ranges) in rows {
        match serde_json::from_str(&ranges) {
            Ok(ranges) => due.entries.push(Entry { id, ranges }),
            Err(_) => due.unreadable.push(id),
        }
    }
    Ok(due)
}

/// Makes these rows due later, not farther ahead than [`FARTHEST`].
///
/// # Errors
/// [`Error`].
pub async fn postpone(conn: &mut Connection, ids: &[u64], until: Timestamp) -> Result<(), Error> {
    diesel::update(search_outbox::table.filter(search_outbox::id.eq_any(ids)))
        .set(search_outbox::due_at.eq(until.to_naive_utc()))
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes these rows: the index has seen what they speak of. A row that is gone already is no error.
///
/// `reindex` is the [reindex](crate::reindexes) whose version was written as well, as its key. If another is under way now, or
/// one is and none was then, the rows stay and are due at once: a version lacks what they speak of.
///
/// # Errors
/// [`Error`].
pub async fn remove(conn: &mut Connection, ids: &[u64], reindex: Option<u64>, now: Timestamp) -> Result<(), Error> {
    let as_was_written =
        sql::<Bool>("COALESCE((SELECT MAX(id) FROM reindexes), 0) = ").bind::<Unsigned<BigInt>, _>(reindex.unwrap_or(0));
    let these = search_outbox::table.filter(search_outbox::id.eq_any(ids));
    let removed = diesel::delete(these.filter(as_was_written)).execute(conn).await?;
    if removed < ids.len() {
        postpone(conn, ids, now).await?;
    }
    Ok(())
}

/// The keys of the first and of the last row; `None` when there is none. Whoever has read messages and then asks for the last key
/// knows, when the first one has passed it, that the index was told of all that was read: a stored message has a row here until
/// then.
///
/// # Errors
/// [`Error`].
pub async fn ends(conn: &mut Connection) -> Result<Option<(u64, u64)>, Error> {
    let ends: (Option<u64>, Option<u64>) = search_outbox::table
        .select((diesel::dsl::min(search_outbox::id), diesel::dsl::max(search_outbox::id)))
        .first(conn)
        .await?;
    Ok(ends.0.zip(ends.1))
}

/// When the first row that is there was written; `None` when there is none. By the clock of whoever wrote it.
///
/// # Errors
/// [`Error`].
pub async fn oldest(conn: &mut Connection) -> Result<Option<Timestamp>, Error> {
    let first = search_outbox::table.order(search_outbox::id).select(search_outbox::created_at).limit(1);
    let written: Option<chrono::NaiveDateTime> = first.first(conn).await.optional()?;
    Ok(written.map(Timestamp::from_naive_utc))
}

#[derive(QueryableByName)]
struct Depth {
    #[diesel(sql_type = Unsigned<BigInt>)]
    depth: u64,
}

/// How many rows there are, counted no further than [`MAX_DEPTH`]: a table that is read whole to be counted would take the
/// longer the worse things are.
///
/// # Errors
/// [`Error`].
pub async fn depth(conn: &mut Connection) -> Result<u64, Error> {
    let row: Depth =
        sql_query("SELECT CAST(COUNT(*) AS UNSIGNED) AS depth FROM (SELECT 1 FROM search_outbox LIMIT ?) AS counted")
            .bind::<Unsigned<BigInt>, _>(MAX_DEPTH)
            .get_result(conn)
            .await?;
    Ok(row.depth)
}
