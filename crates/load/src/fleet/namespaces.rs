//! What this process needs of the machine for itself alone: its mounts, its network. It goes on in namespaces of its own, so that
//! nothing of what it does there is seen by others or outlives it.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};

/// Namespaces of a process's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Namespaces {
    pub(crate) mounts: bool,
    /// With a loopback interface that is down, and nothing else.
    pub(crate) network: bool,
}

impl Namespaces {
    /// Goes on as the same program, with the same process id, in these namespaces. Returns only when that fails.
    pub(crate) fn enter(self, arguments: impl IntoIterator<Item = OsString>) -> anyhow::Error {
        let program = match std::env::current_exe() {
            Ok(program) => program,
            Err(error) => return error.into(),
        };
        let mut command = self.unshare();
        command.arg(program).args(arguments);
        anyhow::Error::new(command.exec()).context("unshare")
    }

    /// Whether a command that changes nothing outside succeeds in them.
    pub(super) fn allow(self, command: &[&str]) -> bool {
        let mut probe = self.unshare();
        probe.args(command).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    }

    /// What comes next is the command that runs in them.
    fn unshare(self) -> Command {
        let mut command = Command::new("unshare");
        if self.mounts {
            command.args(["--mount", "--propagation", "private"]);
        }
        if self.network {
            command.arg("--net");
        }
        command.arg("--");
        command
    }
}

/// Which network this process is in: another text for each.
///
/// # Errors
/// Without `/proc`.
pub(crate) fn network() -> anyhow::Result<String> {
    const PLACE: &str = "/proc/self/ns/net";
    let name: PathBuf = std::fs::read_link(PLACE).with_context(|| format!("read {PLACE}"))?;
    Ok(name.display().to_string())
}

/// Fails in the network of this name, whose rules are everybody's.
pub(crate) fn has_left(network_outside: &str) -> anyhow::Result<()> {
    ensure!(network()? != network_outside, "this process has no network of its own");
    Ok(())
}
