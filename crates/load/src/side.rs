//! A server of this program's own in a process of its own, as the services are, so that what is compared shares nothing more with
//! the load generator than they do.

use std::{ffi::OsStr, net::SocketAddr, process::Stdio, time::Duration};

use anyhow::Context;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// It only has to bind a port, and perhaps to connect to servers that are up.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// A running one. Dropping it ends the process.
pub(crate) struct Side {
    pub(crate) address: SocketAddr,
    _process: Child,
}

impl Side {
    /// Runs this program with other arguments, and waits for the first line of its output: the address on which it listens.
    pub(crate) async fn start(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.args(arguments).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        let line = timeout(READY_WITHIN, lines.next_line()).await.context("a server to compare with did not start")??;
        Ok(Self { address: line.context("a server to compare with ended")?.parse()?, _process: process })
    }
}
