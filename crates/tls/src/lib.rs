//! TLS towards the servers: whose certificates are trusted, connections over it, and why one cannot be made.
//!
//! A server's certificate is always checked: that somebody trusted has signed it, that it is valid now, and that it is for the
//! name (or address) by which the server is called. There must never be a way around that. It knows no server: what is spoken
//! over a connection is its caller's business, and clients that bring TLS of their own take the certificates alone.

mod connect;
mod error;
mod trust;

pub use connect::{Stream, connect};
pub use error::Error;
pub use trust::Trust;
