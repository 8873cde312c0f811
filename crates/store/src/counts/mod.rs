//! The tables `dirty_applications` and `dirty_chats`: how many rows were inserted since they were last counted, and the job that
//! adds them up.
//!
//! # No count is lost, none is added twice
//! A mark's `added` grows in the transaction that inserts the rows it counts. The job locks a mark, adds `added` to the count
//! and deletes the mark, in one transaction. So each inserted row is, at any moment, either in a mark or in a count, and the job
//! costs the same however large a chat is. A writer that meets a locked mark waits until the job has deleted it, and then
//! makes a new one.
//!
//! # The order of locks
//! Writers: the new rows and all else that a batch writes, then the marks of applications, then those of chats, each in the order
//! of its keys. The job: marks that nobody holds (`SKIP LOCKED`), in the order of their keys, then the counted rows, in the same
//! order. It never waits for a mark, so it closes no circle of marks; and it waits for a counted row only while an edit of that
//! row is under way, which takes no other lock. One circle is left: a redelivered chat's failed insert leaves its writer with a
//! shared lock on the stored row, which the job may wait for while it holds a mark that the writer comes to want. The server
//! ends one of the two, and either is simply repeated.

mod audit;
mod walk;

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::{
    QueryResult,
    mysql::Mysql,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{BigInt, Datetime, Unsigned},
};
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, ChatNumber, Timestamp};

pub use self::{
    audit::{Audit, audit_application, audit_chat, recount_application, recount_chat},
    walk::{ApplicationCount, ChatCount, Mark, application_marks_behind, applications_behind, chat_marks_behind, chats_behind},
};
use crate::{
    Connection, Error,
    insert::{self, InsertRow},
    keys::{InSpans, MAX_SPANS, Span},
    schema::{dirty_applications, dirty_chats},
    transaction,
};

/// A mark of `dirty_applications`.
struct ApplicationMark {
    application_id: u64,
    added: u64,
    since: NaiveDateTime,
}

impl InsertRow for ApplicationMark {
    const INTO: &'static str = "INSERT INTO dirty_applications (application_id, added, since) VALUES";
    const ON_DUPLICATE: &'static str = " ON DUPLICATE KEY UPDATE added = added + VALUES(added)";
    const COLUMNS: usize = 3;

    fn size(&self) -> usize {
        32
    }

    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_bind_param::<Unsigned<BigInt>, u64>(&self.application_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Unsigned<BigInt>, u64>(&self.added)?;
        out.push_sql(", ");
        out.push_bind_param::<Datetime, NaiveDateTime>(&self.since)
    }
}

/// A mark of `dirty_chats`.
struct ChatMark {
    application_id: u64,
    chat: u64,
    added: u64,
    since: NaiveDateTime,
}

impl InsertRow for ChatMark {
    const INTO: &'static str = "INSERT INTO dirty_chats (application_id, chat_number, added, since) VALUES";
    const ON_DUPLICATE: &'static str = " ON DUPLICATE KEY UPDATE added = added + VALUES(added)";
    const COLUMNS: usize = 4;

    fn size(&self) -> usize {
        40
    }

    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_bind_param::<Unsigned<BigInt>, u64>(&self.application_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Unsigned<BigInt>, u64>(&self.chat)?;
        out.push_sql(", ");
        out.push_bind_param::<Unsigned<BigInt>, u64>(&self.added)?;
        out.push_sql(", ");
        out.push_bind_param::<Datetime, NaiveDateTime>(&self.since)
    }
}

/// Notes how many chats were inserted into each application. To be called in the transaction that inserts them, behind the
/// inserts.
///
/// # Errors
/// [`Error`].
pub async fn mark_applications(conn: &mut Connection, added: &BTreeMap<ApplicationId, u64>, now: Timestamp) -> Result<(), Error> {
    let since = now.to_naive_utc();
    let mark = |(application_id, added): (&ApplicationId, &u64)| ApplicationMark {
        application_id: application_id.get(),
        added: *added,
        since,
    };
    insert::insert(conn, &added.iter().map(mark).collect::<Vec<_>>()).await
}

/// Notes how many messages were inserted into each chat. To be called in the transaction that inserts them, behind the inserts
/// and behind [`mark_applications`].
///
/// # Errors
/// [`Error`].
pub async fn mark_chats(
    conn: &mut Connection,
    added: &BTreeMap<(ApplicationId, ChatNumber), u64>,
    now: Timestamp,
) -> Result<(), Error> {
    let since = now.to_naive_utc();
    let mark = |((application_id, chat), added): (&(ApplicationId, ChatNumber), &u64)| ChatMark {
        application_id: application_id.get(),
        chat: chat.get(),
        added: *added,
        since,
    };
    insert::insert(conn, &added.iter().map(mark).collect::<Vec<_>>()).await
}

/// How far a pass over all marks has come. They are taken in the order of their keys, each at most once in a pass: so a pass ends,
/// and comes to every mark, however fast new ones are made behind it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pass {
    chat: (u64, u64),
    application: u64,
}

/// Adds up at most `limit` marks (and at most 500) of chats or, when there are none, of applications, in one transaction.
/// Returns how many it added up: 0 says that none is left but those that writers hold at this moment.
///
/// # Errors
/// [`Error`]. Nothing is half done: the call can be repeated.
pub async fn apply_chunk(conn: &mut Connection, limit: u32) -> Result<u64, Error> {
    apply_next(conn, &mut Pass::default(), limit).await
}

/// As [`apply_chunk`], going on behind what the pass has added up. 0 says that the pass is over.
///
/// # Errors
/// [`Error`]. Nothing is half done, and the pass is where it was: the call can be repeated.
pub async fn apply_next(conn: &mut Connection, pass: &mut Pass, limit: u32) -> Result<u64, Error> {
    let limit = i64::from(limit).min(MAX_SPANS as i64);
    let chats = transaction(conn, async |conn| apply_chats(conn, pass.chat, limit).await).await?;
    if let Some(last) = chats.last() {
        pass.chat = *last;
        return Ok(chats.len() as u64);
    }
    let applications = transaction(conn, async |conn| apply_applications(conn, pass.application, limit).await).await?;
    if let Some(last) = applications.last() {
        pass.application = *last;
    }
    Ok(applications.len() as u64)
}

async fn apply_chats(conn: &mut Connection, after: (u64, u64), limit: i64) -> Result<Vec<(u64, u64)>, Error> {
    let behind = dirty_chats::application_id
        .gt(after.0)
        .or(dirty_chats::application_id.eq(after.0).and(dirty_chats::chat_number.gt(after.1)));
    let marks: Vec<(u64, u64)> = dirty_chats::table
        .filter(behind)
        .order((dirty_chats::application_id, dirty_chats::chat_number))
        .limit(limit)
        .select((dirty_chats::application_id, dirty_chats::chat_number))
        .for_update()
        .skip_locked()
        .load(conn)
        .await?;
    if marks.is_empty() {
        return Ok(marks);
    }
    let spans = Span::cover(marks.iter().map(|(application_id, chat)| ([*application_id], *chat)));
    let keys = InSpans { columns: (&["dirty_chats.application_id"], "dirty_chats.chat_number"), spans: &spans };
    let add = "UPDATE dirty_chats STRAIGHT_JOIN chats \
               ON chats.application_id = dirty_chats.application_id AND chats.number = dirty_chats.chat_number \
               SET chats.messages_count = chats.messages_count + dirty_chats.added WHERE ";
    AddUp { add, keys }.execute(conn).await?;
    diesel::delete(dirty_chats::table).filter(keys).execute(conn).await?;
    Ok(marks)
}

async fn apply_applications(conn: &mut Connection, after: u64, limit: i64) -> Result<Vec<u64>, Error> {
    let marks: Vec<u64> = dirty_applications::table
        .filter(dirty_applications::application_id.gt(after))
        .order(dirty_applications::application_id)
        .limit(limit)
        .select(dirty_applications::application_id)
        .for_update()
        .skip_locked()
        .load(conn)
        .await?;
    if marks.is_empty() {
        return Ok(marks);
    }
    let spans = Span::cover(marks.iter().map(|application_id| ([], *application_id)));
    let keys = InSpans { columns: (&[], "dirty_applications.application_id"), spans: &spans };
    let add = "UPDATE dirty_applications STRAIGHT_JOIN applications \
               ON applications.id = dirty_applications.application_id \
               SET applications.chats_count = applications.chats_count + dirty_applications.added WHERE ";
    AddUp { add, keys }.execute(conn).await?;
    diesel::delete(dirty_applications::table).filter(keys).execute(conn).await?;
    Ok(marks)
}

/// An UPDATE over two tables, which the query builder does not know. STRAIGHT_JOIN has the marks read first: the few rows that
/// are locked already lead to the counted ones, never the other way round.
struct AddUp<'a, const PREFIX: usize> {
    add: &'static str,
    keys: InSpans<'a, PREFIX>,
}

impl<const PREFIX: usize> QueryFragment<Mysql> for AddUp<'_, PREFIX> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql(self.add);
        self.keys.walk_ast(out)
    }
}

impl<const PREFIX: usize> QueryId for AddUp<'_, PREFIX> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
