//! What can go wrong, each as one sentence that says what to do about it. A server's failure
//! carries the end of its own log, so that nobody has to look for it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Server;

/// Why the stack, or a part of it, is not as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument that cannot be meant.
    #[error("{0}")]
    Invalid(String),

    /// Programs that must be installed, by someone who may.
    #[error("{} missing here; install with: {command}", missing(programs))]
    MissingTools {
        /// What was looked for on the PATH.
        programs: Vec<&'static str>,
        /// The exact command that installs it.
        command: String,
    },

    /// Too little disk.
    #[error("{} has {free_mib} MiB free and {needed_mib} MiB are needed: make room there or choose another place", path.display())]
    NoSpace {
        /// A path on the file system in question.
        path: PathBuf,
        /// What is free, in MiB.
        free_mib: u64,
        /// What is needed, in MiB.
        needed_mib: u64,
    },

    /// A configured port is in use.
    #[error("port {port}, configured for {what}, is taken by another program: stop that or configure another port")]
    PortTaken {
        /// What should have listened there, `mysql` or `rabbitmq management`, say.
        what: &'static str,
        /// The port.
        port: u16,
    },

    /// No free block of ports was found.
    #[error("no free ports were found between {from} and {to}")]
    NoFreePorts {
        /// The lowest port tried.
        from: u16,
        /// The end of the range.
        to: u16,
    },

    /// Another stack uses this data directory.
    #[error(
        "the data directory {} is in use by another stack (process {owner}): stop that, by Ctrl-C where it runs or with \
         \"cargo run -p devstack -- down --data {}\", or choose another directory",
        path.display(),
        path.display()
    )]
    DataDirInUse {
        /// The directory.
        path: PathBuf,
        /// The process id of its owner, or "unknown".
        owner: String,
    },

    /// No stack is there to be told something.
    #[error("no stack runs with the data directory {}", path.display())]
    NoStack {
        /// The directory that was looked into.
        path: PathBuf,
    },

    /// A stack is there, and nobody listens at its door.
    #[error(
        "the stack on {} takes no requests now: process {owner}, which owns it, is starting or ending it, or is a program that \
         takes none; try again, or end that process",
        path.display()
    )]
    NoDoor {
        /// The stack's data directory.
        path: PathBuf,
        /// The process id of its owner, or "unknown".
        owner: String,
    },

    /// A server's own client failed.
    #[error("{program} failed ({status}): {said}")]
    Client {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// What it said on standard error.
        said: String,
    },

    /// A step of the preparation failed.
    #[error("{what} failed ({status}); its last lines:\n{tail}")]
    Preparation {
        /// The step.
        what: String,
        /// How the command ended.
        status: String,
        /// The end of its output.
        tail: String,
    },

    /// A server ended when it should have run.
    #[error("{server} ended by itself ({status}); the end of {}:\n{tail}", log.display())]
    Ended {
        /// The server.
        server: Server,
        /// How it ended.
        status: String,
        /// Its log file.
        log: PathBuf,
        /// The end of that.
        tail: String,
    },

    /// A server did not answer in time.
    #[error("{server} did not answer within {} s; the end of {}:\n{tail}", waited.as_secs(), log.display())]
    NotReady {
        /// The server.
        server: Server,
        /// How long was waited.
        waited: Duration,
        /// Its log file.
        log: PathBuf,
        /// The end of that.
        tail: String,
    },

    /// A verb that needs a running server.
    #[error("{0} is not running")]
    NotRunning(Server),

    /// A server outlived SIGKILL: something is wrong with the machine (a hung disk, say).
    #[error("{0} is still there {seconds} s after SIGKILL", seconds = crate::process::KILL_DEADLINE.as_secs())]
    Unkillable(Server),

    /// A server's own command failed.
    #[error("{what} failed: {why}")]
    Command {
        /// The command with its arguments.
        what: String,
        /// How it ended, and its last words.
        why: String,
    },

    /// What the owner of the stack answered to a request.
    #[error("{0}")]
    Refused(String),

    /// The operating system refused something.
    #[error("cannot {what}")]
    Io {
        /// What was tried, with its path.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: names what was tried on which path.
    pub(crate) fn io(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let what = format!("{what} {}", path.display());
        move |source| Error::Io { what, source }
    }

    /// The message with those of its sources, in one line of text.
    pub fn with_sources(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }
}

fn missing(programs: &[&str]) -> String {
    let verb = if programs.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", programs.join(", "))
}
