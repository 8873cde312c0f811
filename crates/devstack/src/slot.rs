//! One server's place in a stack: its present process, if any, and the verbs on it. One verb at a
//! time; what only looks or signals does not wait for a verb that does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::logs::RunLog;
use crate::process::{KILL_DEADLINE, Process};
use crate::servers::{Site, process_name};
use crate::{Database, Error, Log, Server, logs};

/// How long a server may take to stop by itself. MySQL with much to flush is the slowest.
const STOP_DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

/// How a server is just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Its process runs. (Whether it answers is not asked here.)
    Running,
    /// Its processes are stopped in mid-air.
    Paused,
    /// It was not started, or was stopped or killed.
    Stopped,
    /// It ended by itself.
    Ended,
}

/// What can be told about one server without asking it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Which one.
    pub server: Server,
    /// How it is.
    pub condition: Condition,
    /// Its leading process, see [`Stack::pid`](crate::Stack::pid).
    pub pid: Option<u32>,
    /// Resident memory of all its processes, in MiB.
    pub memory_mib: u64,
}

/// How a server is started: everything but the site.
pub(crate) struct Launch {
    pub(crate) log: Log,
    pub(crate) log_path: PathBuf,
    pub(crate) ready_within: Duration,
}

/// One server's place.
#[derive(Debug)]
pub(crate) struct Slot {
    server: Server,
    process_name: &'static str,
    verb: tokio::sync::Mutex<()>,
    process: Mutex<Option<Arc<Process>>>,
}

impl Slot {
    pub(crate) fn new(server: Server, database: Database) -> Self {
        Self {
            server,
            process_name: process_name(server, database),
            verb: tokio::sync::Mutex::new(()),
            process: Mutex::new(None),
        }
    }

    /// Starts it unless it runs, and returns when it answers.
    pub(crate) async fn start(&self, site: &Site<'_>, launch: Launch) -> Result<(), Error> {
        let _verb = self.verb.lock().await;
        if self.running().is_some() {
            return Ok(());
        }
        fs::create_dir_all(site.data).map_err(Error::io("create", site.data))?;
        self.set_up(site, &launch).await?;
        let log = self.spawn(site.command()?, &launch).await?;
        let ready = self.await_ready(site, &launch, &log).await;
        if ready.is_err() {
            self.clear();
        }
        ready
    }

    async fn set_up(&self, site: &Site<'_>, launch: &Launch) -> Result<(), Error> {
        let Some(command) = site.set_up()? else {
            return Ok(());
        };
        let log = self.spawn(command, launch).await?;
        let process = self.current();
        let in_time = match &process {
            Some(process) => process.wait_gone(launch.ready_within).await,
            None => true,
        };
        self.clear();
        match process.and_then(|process| process.ended()) {
            Some(status) if status.success() => site.finish_set_up(),
            Some(status) => Err(self.ended(status, &log)),
            // Killed through another handle in the meantime.
            None if in_time => Err(Error::NotRunning(self.server)),
            None => Err(self.not_ready(launch.ready_within, &log)),
        }
    }

    async fn spawn(&self, mut command: std::process::Command, launch: &Launch) -> Result<RunLog, Error> {
        command.stdin(Stdio::null());
        let log = RunLog::attach(launch.log_path.clone(), self.server.name(), launch.log, &mut command)?;
        let process = Process::spawn(command)
            .await
            .map_err(|source| Error::Io { what: format!("start {} (log: {})", self.server, log.path().display()), source })?;
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(process));
        Ok(log)
    }

    async fn await_ready(&self, site: &Site<'_>, launch: &Launch, log: &RunLog) -> Result<(), Error> {
        let deadline = Instant::now() + launch.ready_within;
        loop {
            let process = self.current().ok_or(Error::NotRunning(self.server))?;
            if let Some(status) = process.ended() {
                return Err(self.ended(status, log));
            }
            // A probe's own patience may exceed what is left of ours.
            match tokio::time::timeout_at(deadline, site.is_ready()).await {
                // Another program on its port would answer, too: is ours still there?
                Ok(true) if process.ended().is_none() => return Ok(()),
                Ok(_) if Instant::now() < deadline => tokio::time::sleep(POLL).await,
                _ => return Err(self.not_ready(launch.ready_within, log)),
            }
        }
    }

    /// SIGKILL for the server and all its helpers; returns when they are gone. Not running is fine.
    /// Does not wait for a start that is under way: that fails then.
    pub(crate) async fn kill(&self) -> Result<(), Error> {
        let Some(process) = self.current() else {
            return Ok(());
        };
        process.kill();
        if !process.wait_gone(KILL_DEADLINE).await {
            return Err(Error::Unkillable(self.server));
        }
        self.clear_if(&process);
        Ok(())
    }

    /// SIGTERM, and SIGKILL when it takes too long.
    pub(crate) async fn stop(&self) -> Result<(), Error> {
        let _verb = self.verb.lock().await;
        if let Some(process) = self.running() {
            // A stopped process hears SIGTERM only when it goes on.
            let _ = process.resume();
            process.terminate(self.process_name);
            process.wait_gone(STOP_DEADLINE).await;
        }
        self.kill().await
    }

    /// Kills it and removes its data.
    pub(crate) async fn wipe(&self, data: &Path) -> Result<(), Error> {
        let _verb = self.verb.lock().await;
        self.kill().await?;
        match fs::remove_dir_all(data) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", data)(error)),
            _ => Ok(()),
        }
    }

    /// Stops all its processes in mid-air: connections stay open, nothing is answered.
    pub(crate) fn pause(&self) -> Result<(), Error> {
        self.signalled("pause", Process::pause)
    }

    /// Lets them go on.
    pub(crate) fn resume(&self) -> Result<(), Error> {
        self.signalled("resume", Process::resume)
    }

    fn signalled(&self, verb: &str, act: impl FnOnce(&Process) -> std::io::Result<()>) -> Result<(), Error> {
        let process = self.running().ok_or(Error::NotRunning(self.server))?;
        act(&process).map_err(|source| Error::Io { what: format!("{verb} {}", self.server), source })
    }

    /// Sends SIGKILL without waiting, for a stack that is dropped.
    pub(crate) fn kill_now(&self) {
        if let Some(process) = self.current() {
            process.kill();
        }
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        let main = self.running()?.main(self.process_name)?;
        u32::try_from(main.as_raw()).ok()
    }

    pub(crate) fn status(&self) -> Status {
        let process = self.current();
        let condition = match &process {
            None => Condition::Stopped,
            Some(process) if process.ended().is_some() => Condition::Ended,
            Some(process) if process.is_paused() => Condition::Paused,
            Some(_) => Condition::Running,
        };
        Status {
            server: self.server,
            condition,
            pid: self.pid(),
            memory_mib: process.map_or(0, |process| process.resident_kib() / 1024),
        }
    }

    fn current(&self) -> Option<Arc<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn running(&self) -> Option<Arc<Process>> {
        self.current().filter(|process| process.ended().is_none())
    }

    fn clear(&self) {
        // Taken out first: dropping may wait for its end, and nobody should wait for the lock.
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(process);
    }

    fn clear_if(&self, gone: &Arc<Process>) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if process.as_ref().is_some_and(|current| Arc::ptr_eq(current, gone)) {
            *process = None;
        }
    }

    fn ended(&self, status: ExitStatus, log: &RunLog) -> Error {
        Error::Ended { server: self.server, status: status.to_string(), log: log.path().to_owned(), tail: log.tail() }
    }

    fn not_ready(&self, waited: Duration, log: &RunLog) -> Error {
        Error::NotReady { server: self.server, waited, log: log.path().to_owned(), tail: log.tail() }
    }
}

/// The log file of a server in a stack's data directory.
pub(crate) fn log_path(data: &Path, name: &str) -> Result<PathBuf, Error> {
    Ok(logs::directory(data)?.join(format!("{name}.log")))
}
