//! The count job: adds what the marks say to the counts, and removes them. It waits for no mark, and leaves none out.
//!
//! A busy chat's mark is held by some writer much of the time, each a moment only. A pass that went by and left such marks to the
//! next run would leave some out in every run: so it remembers those that it found held, and comes back to them.

use diesel::{
    QueryResult,
    mysql::Mysql,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
};
use diesel_async::RunQueryDsl;

use crate::{
    Connection, Error,
    keys::{InSpans, MAX_SPANS, Span},
    schema::{dirty_applications, dirty_chats},
    transaction,
};

/// A chat's key: application and number.
type Chat = (u64, u64);

/// How far a pass over all marks has come. They are taken in the order of their keys, each at most once in a pass: so a pass
/// ends, and comes to every mark, however fast new ones are made behind it.
#[derive(Debug, Clone, Default)]
pub struct Pass {
    chat: Chat,
    application: u64,
    held_chats: Vec<Chat>,
    held_applications: Vec<u64>,
}

impl Pass {
    /// How many marks it went by because others held them: [`apply_held`] comes back to them.
    pub fn held(&self) -> usize {
        self.held_chats.len() + self.held_applications.len()
    }
}

/// Adds up at most `limit` marks (and at most 500) of chats or, when there are none, of applications, in one transaction, going
/// on behind what the pass has added up. Returns how many it added up: 0 says that the pass is over, those marks apart that
/// were [held](Pass::held) when it came by.
///
/// # Errors
/// [`Error`]. Nothing is half done, and the pass is where it was: the call can be repeated.
pub async fn apply_next(conn: &mut Connection, pass: &mut Pass, limit: u32) -> Result<u64, Error> {
    let limit = i64::from(limit).min(MAX_SPANS as i64);
    let chats = transaction(conn, async |conn| {
        let marks = free_chats_behind(conn, pass.chat, limit).await?;
        add_up_chats(conn, &marks).await?;
        Ok::<_, Error>(marks)
    })
    .await?;
    let until = chats.last().copied();
    pass.held_chats.extend(chats_between(conn, pass.chat, until).await?);
    if let Some(last) = until {
        pass.chat = last;
        return Ok(chats.len() as u64);
    }
    // Whatever is made behind this is of a later moment than the pass.
    pass.chat = (u64::MAX, u64::MAX);
    let applications = transaction(conn, async |conn| {
        let marks = free_applications_behind(conn, pass.application, limit).await?;
        add_up_applications(conn, &marks).await?;
        Ok::<_, Error>(marks)
    })
    .await?;
    let until = applications.last().copied();
    pass.held_applications.extend(applications_between(conn, pass.application, until).await?);
    pass.application = until.unwrap_or(u64::MAX);
    Ok(applications.len() as u64)
}

/// Adds up those marks that the pass found held and that nobody holds now, at most 500 of each kind in a transaction. Returns how
/// many they were; those that are held still remain the [pass's](Pass::held).
///
/// # Errors
/// [`Error`]. Nothing is half done: the call can be repeated.
pub async fn apply_held(conn: &mut Connection, pass: &mut Pass) -> Result<u64, Error> {
    let mut applied = 0;
    let mut left = Vec::new();
    for keys in pass.held_chats.chunks(MAX_SPANS) {
        let marks = transaction(conn, async |conn| {
            let marks = free_chats(conn, keys).await?;
            add_up_chats(conn, &marks).await?;
            Ok::<_, Error>(marks)
        })
        .await?;
        applied += marks.len() as u64;
        // One that was taken and is made anew meanwhile is for the next pass, and one that is gone was never stored.
        left.extend(chats_of(conn, keys).await?.into_iter().filter(|key| marks.binary_search(key).is_err()));
    }
    pass.held_chats = left;
    let mut left = Vec::new();
    for keys in pass.held_applications.chunks(MAX_SPANS) {
        let marks = transaction(conn, async |conn| {
            let marks = free_applications(conn, keys).await?;
            add_up_applications(conn, &marks).await?;
            Ok::<_, Error>(marks)
        })
        .await?;
        applied += marks.len() as u64;
        left.extend(applications_of(conn, keys).await?.into_iter().filter(|key| marks.binary_search(key).is_err()));
    }
    pass.held_applications = left;
    Ok(applied)
}

/// The marks of chats behind `$after`.
macro_rules! chats_behind {
    ($after:expr) => {{
        let (application, chat) = $after;
        let behind = dirty_chats::application_id
            .gt(application)
            .or(dirty_chats::application_id.eq(application).and(dirty_chats::chat_number.gt(chat)));
        dirty_chats::table
            .filter(behind)
            .order((dirty_chats::application_id, dirty_chats::chat_number))
            .select((dirty_chats::application_id, dirty_chats::chat_number))
    }};
}

/// The marks of these chats.
macro_rules! chats_among {
    ($spans:expr) => {
        dirty_chats::table
            .filter(InSpans { columns: CHAT, spans: $spans })
            .order((dirty_chats::application_id, dirty_chats::chat_number))
            .select((dirty_chats::application_id, dirty_chats::chat_number))
    };
}

/// The marks of these applications.
macro_rules! applications_among {
    ($spans:expr) => {
        dirty_applications::table
            .filter(InSpans { columns: APPLICATION, spans: $spans })
            .order(dirty_applications::application_id)
            .select(dirty_applications::application_id)
    };
}

const CHAT: (&[&str; 1], &str) = (&["dirty_chats.application_id"], "dirty_chats.chat_number");
const APPLICATION: (&[&str; 0], &str) = (&[], "dirty_applications.application_id");

async fn free_chats_behind(conn: &mut Connection, after: Chat, limit: i64) -> Result<Vec<Chat>, Error> {
    Ok(chats_behind!(after).limit(limit).for_update().skip_locked().load(conn).await?)
}

/// What is marked behind `after`, up to and with `until`: behind what was taken of it, the marks that were held.
async fn chats_between(conn: &mut Connection, after: Chat, until: Option<Chat>) -> Result<Vec<Chat>, Error> {
    let (application, chat) = until.unwrap_or((u64::MAX, u64::MAX));
    let before = dirty_chats::application_id
        .lt(application)
        .or(dirty_chats::application_id.eq(application).and(dirty_chats::chat_number.le(chat)));
    Ok(chats_behind!(after).filter(before).load(conn).await?)
}

async fn free_chats(conn: &mut Connection, keys: &[Chat]) -> Result<Vec<Chat>, Error> {
    Ok(chats_among!(&chat_spans(keys)).for_update().skip_locked().load(conn).await?)
}

async fn chats_of(conn: &mut Connection, keys: &[Chat]) -> Result<Vec<Chat>, Error> {
    Ok(chats_among!(&chat_spans(keys)).load(conn).await?)
}

fn chat_spans(keys: &[Chat]) -> Vec<Span<1>> {
    Span::cover(keys.iter().map(|(application_id, chat)| ([*application_id], *chat)))
}

/// Adds these marks, which are locked, to the counts, and removes them.
async fn add_up_chats(conn: &mut Connection, marks: &[Chat]) -> Result<(), Error> {
    if marks.is_empty() {
        return Ok(());
    }
    let keys = InSpans { columns: CHAT, spans: &chat_spans(marks) };
    let add = "UPDATE dirty_chats STRAIGHT_JOIN chats \
               ON chats.application_id = dirty_chats.application_id AND chats.number = dirty_chats.chat_number \
               SET chats.messages_count = chats.messages_count + dirty_chats.added WHERE ";
    AddUp { add, keys }.execute(conn).await?;
    diesel::delete(dirty_chats::table).filter(keys).execute(conn).await?;
    Ok(())
}

async fn free_applications_behind(conn: &mut Connection, after: u64, limit: i64) -> Result<Vec<u64>, Error> {
    Ok(dirty_applications::table
        .filter(dirty_applications::application_id.gt(after))
        .order(dirty_applications::application_id)
        .limit(limit)
        .select(dirty_applications::application_id)
        .for_update()
        .skip_locked()
        .load(conn)
        .await?)
}

/// As [`chats_between`].
async fn applications_between(conn: &mut Connection, after: u64, until: Option<u64>) -> Result<Vec<u64>, Error> {
    Ok(dirty_applications::table
        .filter(dirty_applications::application_id.gt(after))
        .filter(dirty_applications::application_id.le(until.unwrap_or(u64::MAX)))
        .order(dirty_applications::application_id)
        .select(dirty_applications::application_id)
        .load(conn)
        .await?)
}

async fn free_applications(conn: &mut Connection, keys: &[u64]) -> Result<Vec<u64>, Error> {
    Ok(applications_among!(&application_spans(keys)).for_update().skip_locked().load(conn).await?)
}

async fn applications_of(conn: &mut Connection, keys: &[u64]) -> Result<Vec<u64>, Error> {
    Ok(applications_among!(&application_spans(keys)).load(conn).await?)
}

fn application_spans(keys: &[u64]) -> Vec<Span<0>> {
    Span::cover(keys.iter().map(|application_id| ([], *application_id)))
}

/// As [`add_up_chats`].
async fn add_up_applications(conn: &mut Connection, marks: &[u64]) -> Result<(), Error> {
    if marks.is_empty() {
        return Ok(());
    }
    let keys = InSpans { columns: APPLICATION, spans: &application_spans(marks) };
    let add = "UPDATE dirty_applications STRAIGHT_JOIN applications \
               ON applications.id = dirty_applications.application_id \
               SET applications.chats_count = applications.chats_count + dirty_applications.added WHERE ";
    AddUp { add, keys }.execute(conn).await?;
    diesel::delete(dirty_applications::table).filter(keys).execute(conn).await?;
    Ok(())
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
