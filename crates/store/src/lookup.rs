//! The answer to a question that begins with a token.

use domain::ApplicationId;

/// What a look-up by token found. One query answers it: the hot reads cost one round trip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It is there.
    Found(T),
    /// The application is there, what was asked for is not (yet).
    Missing(ApplicationId),
    /// No application has this token.
    NoApplication,
}

impl<T> Lookup<T> {
    /// From a row of a left join: the application's id, and the rest if it was there.
    pub(crate) fn of_row<R, E>(row: Option<(u64, Option<R>)>, read: impl FnOnce(R) -> Result<T, E>) -> Result<Self, E> {
        match row {
            None => Ok(Self::NoApplication),
            Some((id, None)) => Ok(Self::Missing(ApplicationId::new(id))),
            Some((_, Some(row))) => Ok(Self::Found(read(row)?)),
        }
    }
}
