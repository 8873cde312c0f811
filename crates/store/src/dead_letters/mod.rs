//! The table `dead_letters`: items that cannot be stored, with what could be made out of them. What batches need is here, what
//! operators look at in `review`, what they decide in `resolve`; payloads of any length are kept by `pieces`.
//!
//! Nothing here removes a row: its number was given to a client, and the highest number is read from here too. A letter that is
//! resolved still says of its event that it was seen: a redelivery asks for nothing.

mod pieces;
mod resolve;
mod review;

use diesel::{OptionalExtension, prelude::*};
use diesel_async::RunQueryDsl;
use domain::{ApplicationId, ChatNumber, MessageNumber, Timestamp};
use events::Identity;

pub use self::{
    resolve::{erase_payload, lock, resolve},
    review::{Filter, MAX_UNRESOLVED, Summary, chats_between, find, messages_between, summaries, unresolved},
};
use crate::{Connection, Error, keys::MAX_SPANS, schema::dead_letters};

const TABLE: &str = "dead_letters";

/// The longest detail, in characters; more is cut off.
const MAX_DETAIL_CHARS: usize = 500;

/// Why an item cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Its number holds another event's row.
    Conflict,
    /// A message whose chat was never stored.
    ChatMissing,
    /// An item of a good envelope that cannot be read.
    UndecodableItem,
    /// A payload that is no envelope.
    UndecodablePayload,
    /// MySQL refuses the row.
    Rejected,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::Conflict, Self::ChatMissing, Self::UndecodableItem, Self::UndecodablePayload, Self::Rejected];

    /// The name that the table, metrics and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::ChatMissing => "chat_missing",
            Self::UndecodableItem => "undecodable_item",
            Self::UndecodablePayload => "undecodable_payload",
            Self::Rejected => "rejected",
        }
    }

    /// The reason with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// What became of a dead letter later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// All that it holds is stored.
    Stored,
    /// It held several items, or one whose number was not known before: each is now stored or a letter of its own.
    Split,
    /// An operator has let it go.
    Discarded,
}

impl Resolution {
    /// The name that the table uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Split => "split",
            Self::Discarded => "discarded",
        }
    }

    fn parse(name: &str) -> Result<Self, Error> {
        let all = [Self::Stored, Self::Split, Self::Discarded];
        all.into_iter().find(|resolution| resolution.as_str() == name).ok_or(Error::Corrupt {
            table: TABLE,
            key: None,
            invalid: None,
        })
    }
}

/// That a letter was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// How.
    pub resolution: Resolution,
    /// When.
    pub at: Timestamp,
}

impl Resolved {
    fn read(resolution: Option<&str>, at: Option<chrono::NaiveDateTime>) -> Result<Option<Self>, Error> {
        match (resolution, at) {
            (None, None) => Ok(None),
            (Some(name), Some(at)) => Ok(Some(Self { resolution: Resolution::parse(name)?, at: Timestamp::from_naive_utc(at) })),
            _ => Err(Error::Corrupt { table: TABLE, key: None, invalid: None }),
        }
    }
}

/// An item that cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Why.
    pub reason: Reason,
    /// More about why, for operators: no client's text. At most 500 characters are kept.
    pub detail: String,
    /// What could be made out of it.
    pub identity: Identity,
    /// What it holds: letter for letter what could not be read, and an item that could, written anew.
    pub payload: Vec<u8>,
    /// When it was given up.
    pub created_at: Timestamp,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The row's key.
    pub id: u64,
    /// The item.
    pub letter: DeadLetter,
    /// What became of it; `None` while nobody has dealt with it.
    pub resolved: Option<Resolved>,
}

#[derive(Insertable)]
#[diesel(table_name = dead_letters)]
struct NewRow<'a> {
    reason: &'static str,
    detail: String,
    event_id: Option<&'a [u8]>,
    application_id: Option<u64>,
    chat_number: Option<u64>,
    message_number: Option<u64>,
    payload: &'a [u8],
    created_at: chrono::NaiveDateTime,
}

impl<'a> From<&'a DeadLetter> for NewRow<'a> {
    fn from(letter: &'a DeadLetter) -> Self {
        let identity = &letter.identity;
        Self {
            reason: letter.reason.as_str(),
            detail: letter.detail.chars().take(MAX_DETAIL_CHARS).collect(),
            event_id: identity.event_id.as_ref().map(|id| id.as_bytes().as_slice()),
            application_id: identity.application_id.map(ApplicationId::get),
            chat_number: identity.chat.map(ChatNumber::get),
            message_number: identity.message.map(MessageNumber::get),
            payload: &letter.payload,
            created_at: letter.created_at.to_naive_utc(),
        }
    }
}

/// Adds these items. One whose event is there already with the same reason is not added again: a redelivery may find it dead
/// once more. To be called in a transaction: a long payload is more than one row.
///
/// # Errors
/// [`Error`]; a duplicate when another adds the same long one just now.
pub async fn add(conn: &mut Connection, letters: &[DeadLetter]) -> Result<(), Error> {
    // One by one: dead letters are rare, and a statement never holds more than one payload, or a piece of it.
    for letter in letters {
        let (payload, rest) = pieces::split(&letter.payload);
        let row = NewRow { payload, ..NewRow::from(letter) };
        if rest.is_empty() {
            diesel::insert_into(dead_letters::table)
                .values(row)
                .on_conflict(diesel::dsl::DuplicatedKeys)
                .do_update()
                .set(dead_letters::id.eq(dead_letters::id))
                .execute(conn)
                .await?;
        } else if !is_kept(conn, &row).await? {
            // Looked for before, because the statement above does not tell whether it has added a row: an erased payload's other
            // pieces must not come back.
            diesel::insert_into(dead_letters::table).values(row).execute(conn).await?;
            let id = conn.last_insert_id();
            pieces::add(conn, id, rest).await?;
        }
    }
    Ok(())
}

/// Whether the row's event is there with its reason.
async fn is_kept(conn: &mut Connection, row: &NewRow<'_>) -> Result<bool, Error> {
    let Some(event) = row.event_id else { return Ok(false) };
    let same = dead_letters::table.filter(dead_letters::event_id.eq(event)).filter(dead_letters::reason.eq(row.reason));
    let found: Option<u64> = same.select(dead_letters::id).first(conn).await.optional()?;
    Ok(found.is_some())
}

/// Whether there is none. Cheap at any size: batches ask before they ask for [more](among).
///
/// # Errors
/// [`Error`].
pub async fn is_empty(conn: &mut Connection) -> Result<bool, Error> {
    let first: Option<u64> = dead_letters::table.select(dead_letters::id).first(conn).await.optional()?;
    Ok(first.is_none())
}

/// Those of these events that are dead letters, in no order, once for each reason.
///
/// # Errors
/// [`Error`].
pub async fn among(conn: &mut Connection, events: &[domain::EventId]) -> Result<Vec<domain::EventId>, Error> {
    let mut found = Vec::new();
    for events in events.chunks(MAX_SPANS) {
        let rows: Vec<Option<Vec<u8>>> = dead_letters::table
            .filter(dead_letters::event_id.eq_any(events.iter().map(|event| event.as_bytes().as_slice())))
            .select(dead_letters::event_id)
            .load(conn)
            .await?;
        for bytes in rows.into_iter().flatten() {
            found.push(crate::event_id(TABLE, &bytes)?);
        }
    }
    Ok(found)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = dead_letters, check_for_backend(diesel::mysql::Mysql))]
struct Row {
    id: u64,
    reason: String,
    detail: String,
    event_id: Option<Vec<u8>>,
    application_id: Option<u64>,
    chat_number: Option<u64>,
    message_number: Option<u64>,
    payload: Vec<u8>,
    created_at: chrono::NaiveDateTime,
    resolution: Option<String>,
    resolved_at: Option<chrono::NaiveDateTime>,
}

impl TryFrom<Row> for Stored {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let letter = DeadLetter {
            reason: reason(&row.reason)?,
            detail: row.detail,
            identity: identity(row.event_id.as_deref(), row.application_id, row.chat_number, row.message_number)?,
            payload: row.payload,
            created_at: Timestamp::from_naive_utc(row.created_at),
        };
        let resolved = Resolved::read(row.resolution.as_deref(), row.resolved_at)?;
        Ok(Self { id: row.id, letter, resolved })
    }
}

fn reason(name: &str) -> Result<Reason, Error> {
    Reason::parse(name).ok_or(Error::Corrupt { table: TABLE, key: None, invalid: None })
}

fn identity(
    event_id: Option<&[u8]>,
    application_id: Option<u64>,
    chat: Option<u64>,
    message: Option<u64>,
) -> Result<Identity, Error> {
    Ok(Identity {
        event_id: event_id.map(|bytes| crate::event_id(TABLE, bytes)).transpose()?,
        application_id: application_id.map(ApplicationId::new),
        chat: chat.map(ChatNumber::new).transpose().map_err(Error::corrupt(TABLE))?,
        message: message.map(MessageNumber::new).transpose().map_err(Error::corrupt(TABLE))?,
    })
}

/// At most `limit` items behind the one with the key `after`, oldest first.
///
/// # Errors
/// [`Error`].
pub async fn list(conn: &mut Connection, after: u64, limit: u32) -> Result<Vec<Stored>, Error> {
    let rows: Vec<Row> = dead_letters::table
        .filter(dead_letters::id.gt(after))
        .order(dead_letters::id)
        .limit(limit.into())
        .select(Row::as_select())
        .load(conn)
        .await?;
    let mut letters = rows.into_iter().map(Stored::try_from).collect::<Result<Vec<_>, _>>()?;
    for letter in &mut letters {
        pieces::complete(conn, letter).await?;
    }
    Ok(letters)
}

/// The letter of a row that was found, with all of its payload.
async fn whole(conn: &mut Connection, row: Option<Row>) -> Result<Option<Stored>, Error> {
    let Some(row) = row else { return Ok(None) };
    let mut letter = Stored::try_from(row)?;
    pieces::complete(conn, &mut letter).await?;
    Ok(Some(letter))
}
