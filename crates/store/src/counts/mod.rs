//! The tables `dirty_applications` and `dirty_chats`: how many rows were inserted since they were last counted. Here they are
//! marked; `apply` is the job that adds them up.
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
//! order. It never waits for a mark, so it closes no circle of marks: it comes back to one that was held. And it waits for a
//! counted row only while an edit of that row is under way, which takes no other lock. One circle is left: a redelivered chat's
//! failed insert leaves its writer with a shared lock on the stored row, which the job may wait for while it holds a mark that
//! the writer comes to want. The server ends one of the two, and either is simply repeated.

mod apply;
mod audit;
mod walk;

use std::collections::BTreeMap;

use diesel::QueryResult;
use domain::{ApplicationId, ChatNumber, Timestamp};
use mysql_async::Value;

pub use self::{
    apply::{Pass, apply_held, apply_next},
    audit::{Audit, audit_application, audit_chat, recount_application, recount_chat},
    walk::{ApplicationCount, ChatCount, Mark, application_marks_behind, applications_behind, chat_marks_behind, chats_behind},
};
use crate::{
    Connection, Error,
    insert::{self, InsertRow},
};

/// A mark of `dirty_applications`.
struct ApplicationMark {
    application_id: u64,
    added: u64,
    since: Timestamp,
}

impl InsertRow<3> for ApplicationMark {
    const INTO: &'static str = "INSERT INTO dirty_applications (application_id, added, since) VALUES";
    const ON_DUPLICATE: &'static str = " ON DUPLICATE KEY UPDATE added = added + VALUES(added)";

    fn size(&self) -> usize {
        32
    }

    fn values(&self) -> QueryResult<[Value; 3]> {
        Ok([self.application_id.into(), self.added.into(), insert::moment(self.since)?])
    }
}

/// A mark of `dirty_chats`.
struct ChatMark {
    application_id: u64,
    chat: u64,
    added: u64,
    since: Timestamp,
}

impl InsertRow<4> for ChatMark {
    const INTO: &'static str = "INSERT INTO dirty_chats (application_id, chat_number, added, since) VALUES";
    const ON_DUPLICATE: &'static str = " ON DUPLICATE KEY UPDATE added = added + VALUES(added)";

    fn size(&self) -> usize {
        40
    }

    fn values(&self) -> QueryResult<[Value; 4]> {
        Ok([self.application_id.into(), self.chat.into(), self.added.into(), insert::moment(self.since)?])
    }
}

/// Notes how many chats were inserted into each application. To be called in the transaction that inserts them, behind the
/// inserts.
///
/// # Errors
/// [`Error`].
pub async fn mark_applications(conn: &mut Connection, added: &BTreeMap<ApplicationId, u64>, now: Timestamp) -> Result<(), Error> {
    let mark = |(application_id, added): (&ApplicationId, &u64)| ApplicationMark {
        application_id: application_id.get(),
        added: *added,
        since: now,
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
    let mark = |((application_id, chat), added): (&(ApplicationId, ChatNumber), &u64)| ChatMark {
        application_id: application_id.get(),
        chat: chat.get(),
        added: *added,
        since: now,
    };
    insert::insert(conn, &added.iter().map(mark).collect::<Vec<_>>()).await
}
