//! Takes the port before anything else is started, so that a taken one is told at once and in a clear sentence.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};

use tokio::net::TcpSocket;

use super::Settings;
use crate::Error;

/// Connections that may wait to be accepted. The standard library's 128 is short for a burst of new clients.
const BACKLOG: u32 = 1024;

/// Listens on the address and port of the settings.
///
/// # Errors
/// [`Error::PortTaken`] or [`Error::Bind`].
pub async fn bind(settings: &Settings) -> Result<TcpListener, Error> {
    let address = SocketAddr::new(settings.address, settings.port);
    listen(address).map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => Error::PortTaken(address),
        _ => Error::Bind { address, source },
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted service must not wait for the last one's closed connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}
