//! Ports for services that are started again and again on the same one: below those that the kernel gives to outgoing
//! connections, one of which could otherwise hold it in the meantime. And below those that the servers take.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context;
use rand::Rng;

const FROM: u16 = 10_000;
const TO: u16 = 20_000;
const ATTEMPTS: usize = 200;

/// An address on which nothing listens now.
pub(crate) fn free() -> anyhow::Result<SocketAddr> {
    let mut rng = rand::rng();
    (0..ATTEMPTS)
        .map(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, rng.random_range(FROM..TO))))
        .find(|address| TcpListener::bind(address).is_ok())
        .with_context(|| format!("no free port was found between {FROM} and {TO}"))
}
