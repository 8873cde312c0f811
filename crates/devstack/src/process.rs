//! A running sandbox: a thread that starts it and waits for it, and the signals it can be sent.
//! Dropping a [`Process`] kills it and all it started.
//!
//! The kernel's "die with parent" means the *thread* that forked (prctl(2), PR_SET_PDEATHSIG), so a
//! server must not be started from a thread of a runtime that may end before the stack: each has
//! a thread of its own, which lives exactly as long as the server.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::{oneshot, watch};

use crate::process_table::{self, Entry};

/// How long a killed server may take to be gone. Elasticsearch needs 0.1 s.
pub(crate) const KILL_DEADLINE: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(2);

/// A sandbox and what runs in it.
#[derive(Debug)]
pub(crate) struct Process {
    /// The PID namespace's init, as seen from outside. When it is gone, so is all inside.
    init: Pid,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts a sandboxed command; its streams must be set already.
    pub(crate) async fn spawn(command: Command) -> io::Result<Process> {
        let (report, started) = oneshot::channel();
        thread::Builder::new().name("devstack-server".to_owned()).spawn(move || own(command, report))?;
        started.await.unwrap_or_else(|_| Err(io::Error::other("its thread ended")))
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        *self.ended.borrow()
    }

    /// Waits until all of it is gone. `false` after the deadline.
    pub(crate) async fn wait_gone(&self, deadline: Duration) -> bool {
        let gone = async {
            let mut ended = self.ended.clone();
            // An error means that the thread ended, and with it the server.
            let _ = ended.wait_for(Option::is_some).await;
            while process_table::is_alive(self.init) {
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(deadline, gone).await.is_ok()
    }

    /// SIGKILL for everything in the sandbox.
    pub(crate) fn kill(&self) {
        if self.ended().is_none() {
            // Fails only if it is gone already.
            let _ = kill(self.init, Signal::SIGKILL);
        }
    }

    /// SIGTERM for the server itself, the first process of that name; its helpers end with it.
    pub(crate) fn terminate(&self, name: &str) {
        if let Some(main) = self.main(name) {
            let _ = kill(main, Signal::SIGTERM);
        }
    }

    /// The first process of that name, by its id outside of the sandbox.
    pub(crate) fn main(&self, name: &str) -> Option<Pid> {
        let tree = self.tree();
        tree.iter().find(|entry| entry.name == name).map(|entry| entry.pid)
    }

    /// SIGSTOP for everything in the sandbox, until nothing runs. A process may fork meanwhile.
    pub(crate) fn pause(&self) -> io::Result<()> {
        self.signal_until(Signal::SIGSTOP, Entry::is_stopped)
    }

    /// SIGCONT for everything in the sandbox.
    pub(crate) fn resume(&self) -> io::Result<()> {
        self.signal_until(Signal::SIGCONT, |entry| !entry.is_stopped())
    }

    /// Whether it was paused.
    pub(crate) fn is_paused(&self) -> bool {
        let tree = self.tree();
        !tree.is_empty() && tree.iter().all(Entry::is_stopped)
    }

    /// Resident memory of everything in the sandbox, in KiB. Shared pages count once a process.
    pub(crate) fn resident_kib(&self) -> u64 {
        let tree = self.tree();
        tree.iter().map(|entry| process_table::resident_kib(entry.pid)).sum()
    }

    fn tree(&self) -> Vec<Entry> {
        if self.ended().is_some() {
            return Vec::new();
        }
        process_table::descendants(self.init)
    }

    fn signal_until(&self, signal: Signal, done: impl Fn(&Entry) -> bool) -> io::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            let mut left = self.tree();
            left.retain(|entry| !done(entry));
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("{} did not take {signal}", left[0].name)));
            }
            for entry in left {
                let _ = kill(entry.pid, signal);
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let deadline = Instant::now() + KILL_DEADLINE;
        let gone = || self.ended().is_some() && !process_table::is_alive(self.init);
        while !gone() && Instant::now() < deadline {
            thread::sleep(POLL);
        }
    }
}

/// The life of a server's thread: start it, report, wait for its end.
fn own(mut command: Command, report: oneshot::Sender<io::Result<Process>>) {
    let (mut child, init) = match start(&mut command) {
        Ok(started) => started,
        Err(error) => {
            let _ = report.send(Err(error));
            return;
        }
    };
    // The command holds the log's file descriptors, which would keep a pipe open.
    drop(command);
    let (end, ended) = watch::channel(None);
    // If nobody waits for the report any more it comes back and is dropped, on another thread:
    // dropping waits for the end that only this one can report.
    if let Err(unwanted) = report.send(Ok(Process { init, ended })) {
        thread::spawn(move || drop(unwanted));
    }
    if let Ok(status) = child.wait() {
        end.send_replace(Some(status));
    }
}

/// Starts bwrap and finds the init that it makes, its only child. What ends before it is found has ended all the same: bwrap's
/// own id, of a process that is gone, stands for it, and its exit status and its log say why.
fn start(command: &mut Command) -> io::Result<(Child, Pid)> {
    let mut child = command.spawn()?;
    let bwrap = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
    let deadline = Instant::now() + KILL_DEADLINE;
    loop {
        if let Some(init) = process_table::descendants(bwrap).first() {
            return Ok((child, init.pid));
        }
        if child.try_wait()?.is_some() {
            return Ok((child, bwrap));
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::other("bwrap made no sandbox in time"));
        }
        thread::sleep(Duration::from_micros(500));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_ends_before_it_can_be_looked_at_has_ended_and_not_failed_to_start() {
        let process = Process::spawn(Command::new("false")).await.unwrap();
        assert!(process.wait_gone(KILL_DEADLINE).await);
        assert_eq!(process.ended().and_then(|status| status.code()), Some(1));
    }
}
