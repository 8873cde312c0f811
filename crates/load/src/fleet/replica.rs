//! One replica of a service: its process, whether it runs or not, its own ways to the servers, and its own clock.

use std::{
    collections::BTreeMap,
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use devstack::Server;
use localsystem::{Launch, Process, Service};

use super::Proxy;

/// A replica's name: which service, and which of its replicas, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReplicaId {
    pub(crate) service: Service,
    pub(crate) index: usize,
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.service, self.index)
    }
}

/// See the module.
pub(crate) struct Replica {
    pub(crate) id: ReplicaId,
    pub(crate) links: BTreeMap<Server, Proxy>,
    launch: Launch,
    clock: PathBuf,
    process: Option<Process>,
    /// Of the processes that have ended, in KiB.
    peak_kib: u64,
}

impl Replica {
    /// Starts it and does not wait: the servers need not be there.
    pub(crate) fn spawn(id: ReplicaId, links: BTreeMap<Server, Proxy>, launch: Launch, clock: PathBuf) -> anyhow::Result<Self> {
        let mut replica = Self { id, links, launch, clock, process: None, peak_kib: 0 };
        replica.step_clock(0)?;
        replica.start()?;
        Ok(replica)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.launch.address
    }

    /// Starts it again if it does not run. Does not wait.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        if self.process.is_none() {
            self.process = Some(Process::spawn(&self.launch)?);
        }
        Ok(())
    }

    /// Waits until it calls itself ready.
    pub(crate) async fn wait_ready(&mut self) -> anyhow::Result<()> {
        self.process.as_mut().context("it does not run")?.wait_ready().await
    }

    /// SIGKILL, if it runs.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.note_memory();
        match self.process.take() {
            Some(process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// SIGTERM, if it runs; an error when it does not end with success in time.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        self.note_memory();
        match self.process.take() {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }

    /// SIGSTOP.
    pub(crate) fn pause(&self) -> anyhow::Result<()> {
        self.process.as_ref().with_context(|| format!("{} does not run", self.id))?.pause()
    }

    /// SIGCONT, if it runs.
    pub(crate) fn resume(&self) -> anyhow::Result<()> {
        self.process.as_ref().map_or(Ok(()), Process::resume)
    }

    /// Moves the wall clock that it sees, against the true one. Takes a second to be seen; nothing happens without libfaketime.
    pub(crate) fn step_clock(&self, seconds: i64) -> anyhow::Result<()> {
        // Written beside it and renamed, or the program might read half of it.
        let new = self.clock.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n"))?;
        Ok(fs::rename(&new, &self.clock)?)
    }

    /// How it ended, if it should run and does not.
    pub(crate) fn has_ended(&mut self) -> anyhow::Result<Option<String>> {
        let Some(process) = &mut self.process else { return Ok(None) };
        Ok(process.has_ended()?.map(|status| format!("{} ended by itself ({status})", self.id)))
    }

    /// The most memory that any of its processes has held so far, in KiB.
    pub(crate) fn note_memory(&mut self) -> u64 {
        let now = self.process.as_ref().and_then(Process::peak_resident_kib).unwrap_or(0);
        self.peak_kib = self.peak_kib.max(now);
        self.peak_kib
    }

    /// The id of its process, while it runs.
    #[cfg(test)]
    pub(crate) fn process_id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Process::id)
    }

    pub(crate) fn log(&self) -> Option<&Path> {
        self.launch.log.as_deref()
    }
}
