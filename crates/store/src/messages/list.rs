//! Pages of a chat's messages, and the scan that stands in for search.

use std::ops::RangeInclusive;

use diesel::{dsl::exists, prelude::*, select};
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, ChatNumber, Message, Page, PageRequest};

use super::Row;
use crate::{
    Connection, Error,
    paging::{self, List, Seek},
    schema::messages,
};

/// A page of the chat's messages, by number. A page at any depth costs the same.
///
/// # Errors
/// [`Error`].
pub async fn list(
    conn: &mut Connection,
    application_id: ApplicationId,
    chat: ChatNumber,
    request: PageRequest,
) -> Result<Page<Message>, Error> {
    paging::page(&Messages::of(application_id, chat), conn, request).await
}

/// At most `limit` of the chat's messages whose numbers are above `after`, by number: without the looks aside that a page takes,
/// and without its limit. The caller bounds `limit`, for all of it is held in memory.
///
/// # Errors
/// [`Error`].
pub async fn scan(
    conn: &mut Connection,
    application_id: ApplicationId,
    chat: ChatNumber,
    after: u64,
    limit: u32,
) -> Result<Vec<Message>, Error> {
    let seek = Seek { numbers: after.saturating_add(1)..=u64::MAX, from_the_end: false, limit: limit.into() };
    Messages::of(application_id, chat).entries(conn, seek).await
}

/// As [`scan`], of the messages whose numbers are below `before`, from the highest down.
///
/// # Errors
/// [`Error`].
pub async fn scan_back(
    conn: &mut Connection,
    application_id: ApplicationId,
    chat: ChatNumber,
    before: u64,
    limit: u32,
) -> Result<Vec<Message>, Error> {
    let seek = Seek { numbers: 0..=before.saturating_sub(1), from_the_end: true, limit: limit.into() };
    Messages::of(application_id, chat).entries(conn, seek).await
}

struct Messages {
    application_id: u64,
    chat: u64,
}

impl Messages {
    fn of(application_id: ApplicationId, chat: ChatNumber) -> Self {
        Self { application_id: application_id.get(), chat: chat.get() }
    }
}

impl List for Messages {
    type Entry = Message;

    fn number(message: &Message) -> u64 {
        message.number.get()
    }

    async fn entries(&self, conn: &mut Connection, seek: Seek) -> Result<Vec<Message>, Error> {
        let query = messages::table
            .filter(messages::application_id.eq(self.application_id))
            .filter(messages::chat_number.eq(self.chat))
            .filter(messages::number.between(*seek.numbers.start(), *seek.numbers.end()))
            .limit(seek.limit)
            .select(Row::as_select());
        let rows: Vec<Row> = if seek.from_the_end {
            query.order(messages::number.desc()).load(conn).await?
        } else {
            query.order(messages::number.asc()).load(conn).await?
        };
        rows.into_iter().map(Message::try_from).collect()
    }

    async fn any(&self, conn: &mut Connection, numbers: RangeInclusive<u64>) -> Result<bool, Error> {
        let found = messages::table
            .filter(messages::application_id.eq(self.application_id))
            .filter(messages::chat_number.eq(self.chat))
            .filter(messages::number.between(*numbers.start(), *numbers.end()));
        Ok(select(exists(found)).get_result(conn).await?)
    }
}
