//! Why a service cannot start or go on. What a client is told of a failed request is a [`Problem`](crate::problem::Problem).
//!
//! These sentences are read by an operator on a terminal; they never contain a URL or the content of a secret.

use std::io;
use std::net::SocketAddr;

/// Why a service cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An environment variable with our prefix names no setting.
    #[error("the environment variable {variable} names no setting: there is no {key}")]
    UnknownVariable {
        /// The variable.
        variable: String,
        /// The key that it would set.
        key: String,
    },
    /// The configuration file has a key that names no setting.
    #[error("the configuration file {file} has an unknown key: {key}")]
    UnknownKey {
        /// The file as `CHAT_CONFIG` names it.
        file: String,
        /// The key, with its section.
        key: String,
    },
    /// The configuration file cannot be parsed. The parser's own words quote the line, which may hold a secret.
    #[error("the configuration file {file} is not TOML{place}")]
    NotToml {
        /// The file as `CHAT_CONFIG` names it.
        file: String,
        /// Where the mistake is: ` at line 2, column 7`; empty where that is not known.
        place: String,
    },
    /// A value and a file for the same secret.
    #[error("both {0} and {0}_FILE are set: set one")]
    BothSet(String),
    /// A setting that has no default is not set.
    #[error("{key} is not set: set {variable}")]
    Missing {
        /// The key.
        key: String,
        /// The environment variable for it.
        variable: String,
    },
    /// The value of an environment variable is not of the setting's type.
    #[error("{variable} must be {expected}")]
    BadValue {
        /// The variable.
        variable: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A file that holds a secret cannot be read.
    #[error("the file named by {variable} cannot be read")]
    SecretFile {
        /// The variable.
        variable: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The certificates of `tls.ca_file` cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// A source of the configuration cannot be read, or has a value of a wrong type.
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// `log.filter` cannot be understood.
    #[error("log.filter is not a filter such as \"info\" or \"info,access=warn\"")]
    LogFilter(#[source] tracing_subscriber::filter::ParseError),
    /// Logging or metrics cannot be set up: something else in the process did so first.
    #[error("telemetry cannot be set up")]
    Telemetry(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another process listens on the port.
    #[error("port {} is in use on {}: stop what listens there, or choose another port with PORT", .0.port(), .0.ip())]
    PortTaken(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The server could not be started, or ended by itself.
    #[error("the HTTP server failed")]
    Server(#[source] io::Error),
    /// The operating system refuses to tell of signals.
    #[error("signals cannot be listened for")]
    Signals(#[source] io::Error),
}
