//! Clients that hold a connection open and say nothing: what they cost the service, in memory and in others' time.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    time::timeout,
};

/// Opened at the same time.
const AT_ONCE: usize = 128;
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Files beside the connections: servers' sockets, logs, programs.
const OTHER_FILES: usize = 2_000;

/// Connections that have had one answer each. Dropping it closes them.
pub(super) struct Idle(Vec<TcpStream>);

impl Idle {
    /// Opens so many; [`allow`] must have been called before the service was started.
    pub(super) async fn open(target: SocketAddr, count: usize) -> anyhow::Result<Self> {
        let connections = stream::iter((0..count).map(|_| open_one(target))).buffer_unordered(AT_ONCE);
        Ok(Self(connections.try_collect().await?))
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

async fn open_one(target: SocketAddr) -> anyhow::Result<TcpStream> {
    let exchange = async {
        let mut stream = TcpStream::connect(target).await?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await?;
        anyhow::Ok((stream, answer))
    };
    let (stream, answer) = timeout(ANSWER_WITHIN, exchange).await.context("a connection is not answered")??;
    ensure!(&answer == b"HTTP/1.1 200", "a connection is refused");
    Ok(stream)
}

/// Lets this process, and what it starts from now on, have so many connections open.
pub(super) async fn allow(connections: usize) -> anyhow::Result<()> {
    let files = connections + OTHER_FILES;
    let id = std::process::id().to_string();
    let mut prlimit = Command::new("prlimit");
    let status = prlimit.args(["--pid", &id, &format!("--nofile={files}:")]).status().await.context("prlimit cannot be run")?;
    ensure!(status.success(), "{files} open files are more than this user may have: see ulimit -Hn");
    Ok(())
}
