//! Lets a dead letter go, for an operator. The row stays, with number and event: neither may come back.

use domain::Timestamp;
use store::{
    Connection, Error, Store,
    dead_letters::{self, Resolution, Resolved},
    transaction,
};

/// What became of a letter that was to be let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discarded {
    /// There is no letter with this key.
    Missing,
    /// It was resolved otherwise; nothing was done.
    Left(Resolved),
    /// It is let go.
    Done {
        /// It was so before.
        before: bool,
        /// Its payload is gone.
        erased: bool,
    },
}

/// Lets the letter with this key go; with `erase` its payload as well, and it can never be stored then. Again is harmless.
///
/// # Errors
/// Any [`Error`]; then nothing was changed.
pub async fn discard(store: &Store, id: u64, erase: bool) -> Result<Discarded, Error> {
    let mut connection = store.acquire().await?;
    transaction(&mut connection, async |connection: &mut Connection| {
        let Some(letter) = dead_letters::lock(connection, id).await? else { return Ok::<_, Error>(Discarded::Missing) };
        let before = match letter.resolved {
            Some(resolved) if resolved.resolution == Resolution::Discarded => true,
            Some(resolved) => return Ok(Discarded::Left(resolved)),
            None => false,
        };
        if !before {
            dead_letters::resolve(connection, id, Resolution::Discarded, Timestamp::now()).await?;
        }
        if erase {
            dead_letters::erase_payload(connection, id).await?;
        }
        Ok(Discarded::Done { before, erased: erase })
    })
    .await
}
