//! What every preparation does, of the cache and of the host's programs alike: it runs commands, one process at a time. A
//! command's lines are shown as progress, its last ones kept for the error. Dropped half-way, it and what it started are killed.

use std::collections::VecDeque;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::{Error, Progress, logs};

/// More than any download here needs on a slow line; a hung one must not hang `make test`.
const DEADLINE: Duration = Duration::from_secs(30 * 60);
const KEPT_LINES: usize = 60;

/// Waits without end: whoever holds the lock works with deadlines, and the kernel frees it when
/// that process dies.
pub(crate) async fn wait_for_lock(lock: &File, path: &Path) -> Result<(), Error> {
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(TryLockError::Error(source)) => return Err(Error::io("lock", path)(source)),
        }
    }
}

/// Runs a command to its end.
pub(crate) async fn run(command: &mut Command, step: &str, progress: &dyn Progress) -> Result<(), Error> {
    let failed = |status: String, lines: &VecDeque<String>| Error::Preparation {
        what: step.to_owned(),
        status,
        tail: logs::last_lines(&lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")),
    };
    let mut lines = VecDeque::new();
    match tokio::time::timeout(DEADLINE, follow(command, step, progress, &mut lines)).await {
        Err(_) => Err(failed(format!("no end after {} min", DEADLINE.as_secs() / 60), &lines)),
        Ok(Err(error)) => Err(failed(error.to_string(), &lines)),
        Ok(Ok(status)) if !status.success() => Err(failed(status.to_string(), &lines)),
        Ok(Ok(_)) => Ok(()),
    }
}

async fn follow(
    command: &mut Command,
    step: &str,
    progress: &dyn Progress,
    kept: &mut VecDeque<String>,
) -> io::Result<ExitStatus> {
    let (reader, writer) = io::pipe()?;
    command.stdin(Stdio::null()).process_group(0);
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut group = Group(command.spawn()?);
    // The command keeps the pipe's writing end, and the reader would never see its end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let reader = tokio::fs::File::from_std(std::fs::File::from(std::os::fd::OwnedFd::from(reader)));
    let mut lines = BufReader::new(reader).split(b'\n');
    while let Some(line) = lines.next_segment().await? {
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        progress.note(step, &line);
        kept.push_back(line);
        if kept.len() > KEPT_LINES {
            kept.pop_front();
        }
    }
    group.0.wait().await
}

/// Kills the command's process group unless it has ended.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // No id once it was waited for.
        if let Some(leader) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(leader), Signal::SIGKILL);
        }
    }
}
