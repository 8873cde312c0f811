//! The table `applications`. Never takes or returns a token as text: tokens are secrets and stay in their type.

use std::ops::RangeInclusive;

use chrono::NaiveDateTime;
use diesel::{OptionalExtension, dsl::exists, prelude::*, select, sql_query};
use diesel_async::RunQueryDsl;
use domain::{Application, ApplicationId, ApplicationName, ApplicationToken, Page, PageLimit, PageRequest, Timestamp};

use crate::{
    Connection, Error, Updated,
    paging::{self, List, Seek},
    schema::applications,
    transaction,
};

const TABLE: &str = "applications";

#[derive(Queryable, Selectable)]
#[diesel(table_name = applications, check_for_backend(diesel::mysql::Mysql))]
struct Row {
    id: u64,
    token: String,
    name: String,
    chats_count: u64,
    version: u64,
    created_at: NaiveDateTime,
    updated_at: NaiveDateTime,
}

impl TryFrom<Row> for Application {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: ApplicationId::new(row.id),
            token: ApplicationToken::parse(&row.token).map_err(Error::corrupt(TABLE))?,
            name: ApplicationName::new(row.name).map_err(Error::corrupt(TABLE))?,
            chats_count: row.chats_count,
            version: row.version,
            created_at: Timestamp::from_naive_utc(row.created_at),
            updated_at: Timestamp::from_naive_utc(row.updated_at),
        })
    }
}

/// Which part of the list of applications is asked for. They are ordered by creation; their internal numbers are not shown, so a
/// page is found from the token of an entry beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageOfApplications {
    /// The oldest.
    First {
        /// Entries at most.
        limit: PageLimit,
    },
    /// The next younger ones than this.
    After {
        /// An entry's token.
        token: ApplicationToken,
        /// Entries at most.
        limit: PageLimit,
    },
    /// The next older ones than this.
    Before {
        /// An entry's token.
        token: ApplicationToken,
        /// Entries at most.
        limit: PageLimit,
    },
    /// The page with this ordinal, from 1. It costs as much as all pages before it: the caller bounds it.
    Ordinal {
        /// From 1.
        page: u64,
        /// Entries at most.
        limit: PageLimit,
    },
}

/// Keeps all internal numbers up to this one from being given. They are given by a counter that goes back with the database when
/// that is put back to an older state, while elsewhere (in Redis, in the queues) a number may still stand for an application that
/// is gone: another one must not take its place.
///
/// # Errors
/// [`Error`].
pub async fn pass_ids(conn: &mut Connection, last: ApplicationId) -> Result<(), Error> {
    // A number, so that nothing can be smuggled in; a statement of this kind takes no parameters. A counter that is higher stays.
    let next = last.get().saturating_add(1);
    sql_query(format!("ALTER TABLE applications AUTO_INCREMENT = {next}")).execute(conn).await?;
    Ok(())
}

/// Adds an application.
///
/// # Errors
/// [`Error::kind`] is `Duplicate` when the token is taken.
pub async fn create(
    conn: &mut Connection,
    token: ApplicationToken,
    name: &ApplicationName,
    now: Timestamp,
) -> Result<Application, Error> {
    let at = now.to_naive_utc();
    diesel::insert_into(applications::table)
        .values((
            applications::token.eq(token.to_string()),
            applications::name.eq(name.as_str()),
            applications::created_at.eq(at),
            applications::updated_at.eq(at),
        ))
        .execute(conn)
        .await?;
    let id = ApplicationId::new(conn.last_insert_id());
    Ok(Application { id, token, name: name.clone(), chats_count: 0, version: 1, created_at: now, updated_at: now })
}

/// The application with this token.
///
/// # Errors
/// [`Error`].
pub async fn find(conn: &mut Connection, token: ApplicationToken) -> Result<Option<Application>, Error> {
    let row = applications::table
        .filter(applications::token.eq(token.to_string()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(Application::try_from).transpose()
}

/// The id of the application with this token.
///
/// # Errors
/// [`Error`].
pub async fn id_of(conn: &mut Connection, token: ApplicationToken) -> Result<Option<ApplicationId>, Error> {
    let id = applications::table
        .filter(applications::token.eq(token.to_string()))
        .select(applications::id)
        .first(conn)
        .await
        .optional()?;
    Ok(id.map(ApplicationId::new))
}

/// The tokens of those of these applications that exist, in the order of their ids. At most a thousand at a time.
///
/// # Errors
/// [`Error`].
pub async fn find_by_ids(conn: &mut Connection, ids: &[ApplicationId]) -> Result<Vec<(ApplicationId, ApplicationToken)>, Error> {
    let rows: Vec<(u64, String)> = applications::table
        .filter(applications::id.eq_any(ids.iter().map(|id| id.get())))
        .order(applications::id)
        .select((applications::id, applications::token))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(id, token)| Ok((ApplicationId::new(id), ApplicationToken::parse(&token).map_err(Error::corrupt(TABLE))?)))
        .collect()
}

/// Gives the application another name, if the version that it has `may` be replaced.
///
/// # Errors
/// [`Error`].
pub async fn rename(
    conn: &mut Connection,
    token: ApplicationToken,
    name: &ApplicationName,
    now: Timestamp,
    may: impl Fn(u64) -> bool,
) -> Result<Updated<Application>, Error> {
    transaction(conn, async |conn| {
        let row: Option<Row> = applications::table
            .filter(applications::token.eq(token.to_string()))
            .select(Row::as_select())
            .for_update()
            .first(conn)
            .await
            .optional()?;
        let Some(before) = row.map(Application::try_from).transpose()? else { return Ok(Updated::Missing) };
        if !may(before.version) {
            return Ok(Updated::Refused);
        }
        // Here, where the row is locked: `now` was looked up before, maybe by another machine's clock.
        let updated_at = now.after(before.updated_at);
        let after = Application { name: name.clone(), version: before.version + 1, updated_at, ..before };
        diesel::update(applications::table.find(after.id.get()))
            .set((
                applications::name.eq(after.name.as_str()),
                applications::version.eq(after.version),
                applications::updated_at.eq(updated_at.to_naive_utc()),
            ))
            .execute(conn)
            .await?;
        Ok(Updated::Done(after))
    })
    .await
}

/// A page of all applications, oldest first; `None` when the token that the page is counted from names no application.
///
/// # Errors
/// [`Error`].
pub async fn list(conn: &mut Connection, request: PageOfApplications) -> Result<Option<Page<Application>>, Error> {
    let request = match request {
        PageOfApplications::First { limit } => PageRequest::first(limit),
        PageOfApplications::After { token, limit } => match id_of(conn, token).await? {
            Some(id) => PageRequest::After { after: id.get(), limit },
            None => return Ok(None),
        },
        PageOfApplications::Before { token, limit } => match id_of(conn, token).await? {
            Some(id) => PageRequest::Before { before: id.get(), limit },
            None => return Ok(None),
        },
        PageOfApplications::Ordinal { page, limit } => return by_ordinal(conn, page, limit).await.map(Some),
    };
    paging::page(&Applications, conn, request).await.map(Some)
}

async fn by_ordinal(conn: &mut Connection, page: u64, limit: PageLimit) -> Result<Page<Application>, Error> {
    // A page of a hundred at most, and an ordinal that the caller bounds: neither comes near the limits of i64.
    let offset = page.saturating_sub(1).saturating_mul(limit.get());
    let rows: Vec<Row> = applications::table
        .order(applications::id)
        .offset(i64::try_from(offset).unwrap_or(i64::MAX))
        .limit(limit.get() as i64 + 1)
        .select(Row::as_select())
        .load(conn)
        .await?;
    let has_next = rows.len() as u64 > limit.get();
    let entries = rows.into_iter().take(limit.get() as usize).map(Application::try_from).collect::<Result<_, _>>()?;
    Ok(Page { entries, has_previous: page > 1, has_next })
}

struct Applications;

impl List for Applications {
    type Entry = Application;

    fn number(application: &Application) -> u64 {
        application.id.get()
    }

    async fn entries(&self, conn: &mut Connection, seek: Seek) -> Result<Vec<Application>, Error> {
        let query = applications::table
            .filter(applications::id.between(*seek.numbers.start(), *seek.numbers.end()))
            .limit(seek.limit)
            .select(Row::as_select());
        let rows: Vec<Row> = if seek.from_the_end {
            query.order(applications::id.desc()).load(conn).await?
        } else {
            query.order(applications::id.asc()).load(conn).await?
        };
        rows.into_iter().map(Application::try_from).collect()
    }

    async fn any(&self, conn: &mut Connection, numbers: RangeInclusive<u64>) -> Result<bool, Error> {
        let found = applications::table.filter(applications::id.between(*numbers.start(), *numbers.end()));
        Ok(select(exists(found)).get_result(conn).await?)
    }
}
