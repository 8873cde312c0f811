//! What can go wrong, and what to do about it: the only place that knows MySQL's error numbers.
//!
//! Never shows the server's message: "Duplicate entry 'abc' for key 'token'" would put a token into a log. The number and what
//! it means are enough to look the rest up.

use std::fmt;

use domain::Invalid;

use crate::failure::{Failure, ServerError};

/// What the caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The same statement may succeed later: deadlock, lock wait, lost connection, deadline, server starting, full or busy.
    Transient,
    /// The statement's own data is at fault: repeated, it fails again; without the bad row, it succeeds.
    Row,
    /// A row with this key is there already.
    Duplicate,
    /// Only an operator can help: wrong schema, wrong rights, a bug of ours.
    Fatal,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Transient, Self::Row, Self::Duplicate, Self::Fatal];

    /// The name that metrics and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Row => "row",
            Self::Duplicate => "duplicate",
            Self::Fatal => "fatal",
        }
    }
}

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused a statement or a login.
    #[error("MySQL error {number} ({state}): {meaning}")]
    Server {
        /// MySQL's error number; MariaDB uses the same ones where it matters here.
        number: u16,
        /// SQLSTATE: five characters.
        state: String,
        /// What the number means, in our words.
        meaning: &'static str,
    },
    /// The connection broke or could not be opened. A statement that was under way may or may not have taken effect.
    #[error("the connection to MySQL was lost or refused")]
    Lost,
    /// The server asks for a kind of login that is not known here. To an unknown user MySQL pretends one that depends on the
    /// name, so this is a wrong name more often than a wrong plugin.
    #[error("MySQL asks for a login by a plugin that is not supported: check the user's name and authentication plugin")]
    Login,
    /// The URL asks for TLS, and there is none, or the server is not who it should be.
    #[error("MySQL cannot be reached over TLS: {0}")]
    Tls(tls::Error),
    /// A statement or an attempt to connect took longer than it may.
    #[error("MySQL did not answer in time")]
    Deadline,
    /// The server rolled the transaction back when an earlier statement of it failed.
    #[error("MySQL rolled the transaction back")]
    Aborted,
    /// The connection was abandoned in the middle of a statement and must not be used again.
    #[error("the connection was left in the middle of a statement")]
    Unusable,
    /// No connection of the pool became free in time.
    #[error("no connection to MySQL became free in time")]
    PoolExhausted,
    /// Another holder kept a named lock for too long.
    #[error("another process holds the lock {0}")]
    Locked(&'static str),
    /// A transaction was begun inside another one, or what must not be part of one was.
    #[error("transactions do not nest")]
    Nested,
    /// The settings are wrong.
    #[error("mysql settings: {0}")]
    Settings(&'static str),
    /// A row holds what the domain does not allow: someone else wrote it.
    #[error("a row of {table} holds an invalid value{}", located(.key.as_deref()))]
    Corrupt {
        /// The row's table.
        table: &'static str,
        /// The row's key, where it is known: numbers alone.
        key: Option<String>,
        /// The rule that it breaks, where there is one.
        #[source]
        invalid: Option<Invalid>,
    },
    /// A migration failed; its text holds no client's data.
    #[error("a migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A query could not be built or its rows not be read: the code and the schema do not fit each other.
    #[error("a query does not fit the schema")]
    Query(#[source] diesel::result::Error),
}

impl Error {
    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Server { number, state, .. } => kind_of(*number, state),
            Self::Lost
            | Self::Tls(_)
            | Self::Deadline
            | Self::Aborted
            | Self::Unusable
            | Self::PoolExhausted
            | Self::Locked(_) => ErrorKind::Transient,
            // A value that cannot be written: it never reaches the server, and it is one row's.
            Self::Query(diesel::result::Error::SerializationError(_)) => ErrorKind::Row,
            Self::Login | Self::Nested | Self::Settings(_) | Self::Corrupt { .. } | Self::Migration(_) | Self::Query(_) => {
                ErrorKind::Fatal
            }
        }
    }

    /// Whether a statement was ended because it took longer than it may: by us, or by the server, which normally comes first
    /// (MySQL ends reads, MariaDB every statement). Less of the same may get done.
    pub fn took_too_long(&self) -> bool {
        matches!(self, Self::Deadline | Self::Server { number: 1969 | 3024, .. })
    }

    pub(crate) fn corrupt(table: &'static str) -> impl Fn(Invalid) -> Self {
        move |invalid| Self::Corrupt { table, key: None, invalid: Some(invalid) }
    }

    /// Says which row it is that holds an invalid value.
    pub(crate) fn at(self, row: impl fmt::Display) -> Self {
        match self {
            Self::Corrupt { table, key: None, invalid } => Self::Corrupt { table, key: Some(row.to_string()), invalid },
            other => other,
        }
    }
}

fn located(key: Option<&str>) -> String {
    key.map(|key| format!(": {key}")).unwrap_or_default()
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Server(ServerError { number, state }) => Self::Server { meaning: meaning_of(number), number, state },
            Failure::Lost => Self::Lost,
            Failure::Login => Self::Login,
            Failure::Tls(error) => Self::Tls(error),
            Failure::Deadline => Self::Deadline,
            Failure::Aborted => Self::Aborted,
            Failure::Unusable => Self::Unusable,
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        match error {
            diesel::result::Error::QueryBuilderError(inner) => match inner.downcast::<Failure>() {
                Ok(failure) => Self::from(*failure),
                Err(inner) => Self::Query(diesel::result::Error::QueryBuilderError(inner)),
            },
            other => Self::Query(other),
        }
    }
}

/// The numbers that say more than their SQLSTATE does, or whose SQLSTATE misleads (many are the catch-all HY000; 1048 and 1364
/// tell of columns that this version does not know or fill, which no item can cause: taken for a row's fault they would have
/// every one refused). Source: the server error references of MySQL 9 and MariaDB; 1927 to 1969 are MariaDB's alone.
const KNOWN: &[(u16, ErrorKind, &str)] = &[
    (1021, ErrorKind::Transient, "the disk is full"),
    (1040, ErrorKind::Transient, "too many connections"),
    (1041, ErrorKind::Transient, "out of memory"),
    (1037, ErrorKind::Transient, "out of memory"),
    (1038, ErrorKind::Transient, "out of sort memory"),
    (1044, ErrorKind::Fatal, "access to the database is denied"),
    (1045, ErrorKind::Fatal, "wrong user or password"),
    (1048, ErrorKind::Fatal, "a column may not be null"),
    (1049, ErrorKind::Fatal, "the database does not exist"),
    (1053, ErrorKind::Transient, "the server is shutting down"),
    (1054, ErrorKind::Fatal, "a column does not exist"),
    (1062, ErrorKind::Duplicate, "the key is there already"),
    (1064, ErrorKind::Fatal, "syntax error"),
    (1077, ErrorKind::Transient, "the server is shutting down"),
    (1079, ErrorKind::Transient, "the server has shut down"),
    (1105, ErrorKind::Transient, "unknown error"),
    (1114, ErrorKind::Transient, "the table is full"),
    (1135, ErrorKind::Transient, "the server cannot start a thread"),
    (1142, ErrorKind::Fatal, "the statement is denied"),
    (1146, ErrorKind::Fatal, "a table does not exist"),
    (1153, ErrorKind::Row, "the statement is larger than the server accepts"),
    (1158, ErrorKind::Transient, "reading from the network failed"),
    (1159, ErrorKind::Transient, "reading from the network timed out"),
    (1160, ErrorKind::Transient, "writing to the network failed"),
    (1161, ErrorKind::Transient, "writing to the network timed out"),
    (1180, ErrorKind::Transient, "the commit failed"),
    (1203, ErrorKind::Transient, "too many connections of this user"),
    (1205, ErrorKind::Transient, "waited too long for a lock"),
    (1206, ErrorKind::Transient, "too many locks"),
    (1213, ErrorKind::Transient, "deadlock"),
    (1226, ErrorKind::Transient, "the user's share is used up"),
    (1264, ErrorKind::Row, "a number is out of range"),
    (1265, ErrorKind::Row, "a value does not fit its column"),
    (1290, ErrorKind::Transient, "the server is read-only"),
    (1292, ErrorKind::Row, "a value is not well-formed"),
    (1317, ErrorKind::Transient, "the statement was interrupted"),
    (1364, ErrorKind::Fatal, "a column has no value"),
    (1366, ErrorKind::Row, "a value is not well-formed"),
    (1390, ErrorKind::Fatal, "too many placeholders"),
    (1406, ErrorKind::Row, "a value is too long"),
    (1429, ErrorKind::Transient, "a foreign server is down"),
    (1436, ErrorKind::Transient, "the server's thread stack is used up"),
    (1461, ErrorKind::Transient, "too many prepared statements"),
    (1586, ErrorKind::Duplicate, "the key is there already"),
    (1615, ErrorKind::Transient, "the statement must be prepared again"),
    (1637, ErrorKind::Transient, "too many transactions"),
    (1644, ErrorKind::Row, "a trigger refused the row"),
    (1792, ErrorKind::Transient, "the transaction is read-only"),
    (1836, ErrorKind::Transient, "the server is in read-only mode"),
    (1859, ErrorKind::Duplicate, "the key is there already"),
    (1927, ErrorKind::Transient, "the connection was killed"),
    (1969, ErrorKind::Transient, "the statement took too long"),
    (3024, ErrorKind::Transient, "the statement took too long"),
    (3100, ErrorKind::Transient, "the server's replication refused the commit"),
    (3101, ErrorKind::Transient, "the server's replication rolled the transaction back"),
    (3159, ErrorKind::Fatal, "the server asks for TLS: add require_ssl=true to the URL"),
    (3168, ErrorKind::Transient, "the server is not ready"),
    (3169, ErrorKind::Transient, "the session was killed"),
    (3572, ErrorKind::Transient, "a row is locked"),
    (3819, ErrorKind::Row, "a check constraint refused the row"),
    (4025, ErrorKind::Row, "a check constraint refused the row"),
    (4031, ErrorKind::Transient, "the connection was idle for too long"),
];

fn kind_of(number: u16, state: &str) -> ErrorKind {
    if let Some((_, kind, _)) = KNOWN.iter().find(|(known, ..)| *known == number) {
        return *kind;
    }
    // The class of an SQLSTATE is its first two characters (ISO/IEC 9075-2, clause 24).
    match state.get(..2) {
        Some("08" | "40") => ErrorKind::Transient,
        Some("21" | "22" | "23" | "44" | "45") => ErrorKind::Row,
        _ => ErrorKind::Fatal,
    }
}

fn meaning_of(number: u16) -> &'static str {
    KNOWN.iter().find(|(known, ..)| *known == number).map_or("see the server's reference", |(_, _, meaning)| meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(number: u16, state: &str) -> ErrorKind {
        Error::from(Failure::Server(ServerError { number, state: state.to_owned() })).kind()
    }

    #[test]
    fn a_number_tells_more_than_its_state() {
        assert_eq!(kind(1205, "HY000"), ErrorKind::Transient);
        assert_eq!(kind(1062, "23000"), ErrorKind::Duplicate);
        assert_eq!(kind(1366, "HY000"), ErrorKind::Row);
        assert_eq!([kind(1048, "23000"), kind(1364, "HY000")], [ErrorKind::Fatal; 2]);
        assert_eq!(kind(1045, "28000"), ErrorKind::Fatal);
    }

    #[test]
    fn an_unlisted_number_is_judged_by_its_state() {
        for (state, expected) in [
            ("08S01", ErrorKind::Transient),
            ("40XL1", ErrorKind::Transient),
            ("22001", ErrorKind::Row),
            ("45000", ErrorKind::Row),
            ("42S22", ErrorKind::Fatal),
            ("HY000", ErrorKind::Fatal),
            ("", ErrorKind::Fatal),
        ] {
            assert_eq!(kind(60_000, state), expected, "{state}");
        }
    }

    #[test]
    fn a_value_that_cannot_be_written_is_its_rows_fault_and_a_query_that_cannot_be_built_is_ours() {
        let serialization = diesel::result::Error::SerializationError("a year of six digits".into());
        assert_eq!(Error::from(serialization).kind(), ErrorKind::Row);
        let building = diesel::result::Error::QueryBuilderError("a type that is not sent".into());
        assert_eq!(Error::from(building).kind(), ErrorKind::Fatal);
    }

    #[test]
    fn a_statement_is_too_slow_whoever_ends_it() {
        let server = |number| Error::from(Failure::Server(ServerError { number, state: "HY000".to_owned() }));
        assert!([Error::Deadline, server(1969), server(3024)].iter().all(Error::took_too_long));
        assert!(![Error::Lost, Error::PoolExhausted, server(1205), server(1317)].iter().any(Error::took_too_long));
    }

    #[test]
    fn no_number_is_listed_twice() {
        let mut numbers: Vec<u16> = KNOWN.iter().map(|(number, ..)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), KNOWN.len());
    }
}
