//! Takes the port before anything else is started, so that a taken one is told at once and in a clear sentence, and opens it only
//! when requests can be answered: until then clients and proxies are refused at once, and go elsewhere.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};

use tokio::net::TcpSocket;

use super::Settings;
use crate::Error;

/// Connections that may wait to be accepted. The standard library's 128 is short for a burst of new clients.
const BACKLOG: u32 = 1024;

/// A port that is taken: who connects is refused until [`serve`](super::serve) opens it.
#[derive(Debug)]
pub struct Port {
    socket: TcpSocket,
    address: SocketAddr,
}

/// Takes the address and port of the settings, and any free port for 0.
///
/// # Errors
/// [`Error::PortTaken`] or [`Error::Bind`].
pub async fn bind(settings: &Settings) -> Result<Port, Error> {
    let address = SocketAddr::new(settings.address, settings.port);
    take(address).map_err(|source| refused(address, source))
}

fn take(address: SocketAddr) -> io::Result<Port> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted service must not wait for the last one's closed connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(Port { address: socket.local_addr()?, socket })
}

impl Port {
    /// The address with the real port, if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets clients in. Two processes can take one port that is not open yet: the second to open it is refused here.
    pub(super) fn open(self) -> Result<TcpListener, Error> {
        let address = self.address;
        self.socket.listen(BACKLOG).and_then(|listener| listener.into_std()).map_err(|source| refused(address, source))
    }
}

fn refused(address: SocketAddr, source: io::Error) -> Error {
    match source.kind() {
        ErrorKind::AddrInUse => Error::PortTaken(address),
        _ => Error::Bind { address, source },
    }
}
