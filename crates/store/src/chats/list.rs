//! Pages of an application's chats.

use std::ops::RangeInclusive;

use diesel::{dsl::exists, prelude::*, select};
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, Chat, Page, PageRequest};

use super::Row;
use crate::{
    Connection, Error,
    paging::{self, List, Seek},
    schema::chats,
};

/// A page of the application's chats, by number. A page at any depth costs the same.
///
/// # Errors
/// [`Error`].
pub async fn list(conn: &mut Connection, application_id: ApplicationId, request: PageRequest) -> Result<Page<Chat>, Error> {
    paging::page(&Chats { application_id: application_id.get() }, conn, request).await
}

struct Chats {
    application_id: u64,
}

impl List for Chats {
    type Entry = Chat;

    fn number(chat: &Chat) -> u64 {
        chat.number.get()
    }

    async fn entries(&self, conn: &mut Connection, seek: Seek) -> Result<Vec<Chat>, Error> {
        let query = chats::table
            .filter(chats::application_id.eq(self.application_id))
            .filter(chats::number.between(*seek.numbers.start(), *seek.numbers.end()))
            .limit(seek.limit)
            .select(Row::as_select());
        let rows: Vec<Row> = if seek.from_the_end {
            query.order(chats::number.desc()).load(conn).await?
        } else {
            query.order(chats::number.asc()).load(conn).await?
        };
        rows.into_iter().map(Chat::try_from).collect()
    }

    async fn any(&self, conn: &mut Connection, numbers: RangeInclusive<u64>) -> Result<bool, Error> {
        let found = chats::table
            .filter(chats::application_id.eq(self.application_id))
            .filter(chats::number.between(*numbers.start(), *numbers.end()));
        Ok(select(exists(found)).get_result(conn).await?)
    }
}
