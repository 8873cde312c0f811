//! Connections over TLS for the clients that take a ready one.

use std::{io, sync::Arc};

use rustls::{ClientConfig, crypto::ring, pki_types::ServerName};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{Error, Trust};

/// An encrypted connection to a server whose certificate was found good.
pub type Stream = TlsStream<TcpStream>;

/// Connects to this port of a host (a name, or an address, which may stand in brackets) and shakes hands, until `deadline` at the
/// latest.
///
/// # Errors
/// Why there is no connection.
pub async fn connect(trust: &Trust, host: &str, port: u16, deadline: Instant) -> Result<Stream, Error> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::BadName)?;
    let connector = TlsConnector::from(Arc::new(config(trust)?));
    let stream = timeout_at(deadline, plain(host, port)).await.map_err(|_| Error::TimedOut)?;
    let stream = stream.map_err(|cause| Error::Unreachable(cause.to_string()))?;
    let shaken = timeout_at(deadline, connector.connect(name, stream)).await.map_err(|_| Error::Silent)?;
    shaken.map_err(|error| match (Error::behind(&error), error.kind()) {
        (Some(error), _) => error,
        (None, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => Error::BrokenOff,
        (None, _) => Error::Protocol(error.to_string()),
    })
}

/// What is written is a whole command: it must not wait for more.
async fn plain(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Made for each connection: they are few, and each shakes hands in full.
fn config(trust: &Trust) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| Error::from(&error))?;
    Ok(builder.with_root_certificates(trust.roots()).with_no_client_auth())
}
