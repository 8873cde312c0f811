//! How a statement failed, carried through the query builder's error type.
//!
//! The driver's own numbers get lost on their way through the query builder, whose errors keep a text only. The [`Connection`]
//! therefore finds out number and state itself and sends them along in the one variant that may hold a foreign error.
//!
//! [`Connection`]: crate::Connection

use std::fmt;

/// What happened to a statement or to an attempt to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server refused it.
    Server(ServerError),
    /// The connection broke, or could not be opened: whether a statement took effect is unknown.
    Lost,
    /// The server asks for a kind of login that the driver does not know.
    Login,
    /// TLS cannot be had, or the server is not who it should be.
    Tls(tls::Error),
    /// It took longer than it may; the connection is given up.
    Deadline,
    /// The server rolled the transaction back when an earlier statement failed.
    Aborted,
    /// The connection is in an unknown state, because an earlier statement on it was abandoned.
    Unusable,
}

/// The server's number and SQLSTATE. Its message is left behind: it may quote what a client wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerError {
    pub(crate) number: u16,
    pub(crate) state: String,
}

/// The server's number for a statement above its `max_allowed_packet`.
const TOO_LARGE: u16 = 1153;

/// Whether the driver refused in the server's stead what is above `max_allowed_packet`, which it has read from it. It says so by
/// a text alone, as of a connection that broke; but the connection was not to blame, and the same statement would be refused for
/// ever.
fn is_too_large(error: &mysql_async::Error) -> bool {
    match error {
        mysql_async::Error::Driver(mysql_async::DriverError::PacketTooLarge) => true,
        mysql_async::Error::Io(mysql_async::IoError::Io(error)) => {
            error.kind() == std::io::ErrorKind::Other && error.to_string() == "packet too large"
        }
        _ => false,
    }
}

impl Failure {
    pub(crate) fn of_driver(error: &mysql_async::Error) -> Self {
        use mysql_async::DriverError;
        match error {
            mysql_async::Error::Server(server) => Self::Server(ServerError { number: server.code, state: server.state.clone() }),
            _ if is_too_large(error) => Self::Server(ServerError { number: TOO_LARGE, state: "08S01".to_owned() }),
            mysql_async::Error::Driver(
                DriverError::UnknownAuthPlugin { .. }
                | DriverError::MysqlOldPasswordDisabled
                | DriverError::CleartextPluginDisabled,
            ) => Self::Login,
            mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer) => Self::Tls(tls::Error::NotSpoken),
            other => tls::Error::behind(other).map_or(Self::Lost, Self::Tls),
        }
    }
}

impl ServerError {
    /// Whether the server rolled back the whole transaction and not only the statement: SQLSTATE class 40, a deadlock mostly.
    pub(crate) fn ends_transaction(&self) -> bool {
        self.state.starts_with("40")
    }

    /// Whether nothing more should be asked of the session: the server shuts down (1053), or has ended it (3169 and 4031 of
    /// MySQL, 1927 of MariaDB; 1153, which either server does after it), or it takes no writes (1290, 1792, 1836). The last is
    /// how a primary that was deposed answers those who are connected to it: whoever connects anew is led to its successor, and
    /// would never be on a connection that goes on living.
    pub(crate) fn ends_session(&self) -> bool {
        matches!(self.number, 1053 | 3169 | 1927 | 4031 | TOO_LARGE | 1290 | 1792 | 1836)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(server) => write!(f, "MySQL error {} ({})", server.number, server.state),
            Self::Lost => f.write_str("the connection to MySQL was lost"),
            Self::Login => f.write_str("MySQL asks for another kind of login"),
            Self::Tls(error) => write!(f, "MySQL cannot be reached over TLS: {error}"),
            Self::Deadline => f.write_str("MySQL did not answer in time"),
            Self::Aborted => f.write_str("MySQL rolled the transaction back"),
            Self::Unusable => f.write_str("the connection was left in the middle of a statement"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for diesel::result::Error {
    fn from(failure: Failure) -> Self {
        Self::QueryBuilderError(Box::new(failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_over_when_it_was_killed_or_takes_no_writes_and_not_when_a_statement_was_killed() {
        let ends = |number| ServerError { number, state: "70100".to_owned() }.ends_session();
        // Shut down, killed (MySQL, MariaDB), idle for too long, closed behind a statement that is too large.
        assert_eq!([1053, 3169, 1927, 4031, 1153].map(ends), [true; 5]);
        // Read-only: by its options, for the transaction, by its mode.
        assert_eq!([1290, 1792, 1836].map(ends), [true; 3]);
        // An interrupted statement, a deadlock.
        assert_eq!([1317, 1213].map(ends), [false; 2]);
    }
}
