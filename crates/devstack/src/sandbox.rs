//! The bubblewrap command line around a server: its own root, PID, UTS and IPC namespaces, the
//! host's network. Must never give a server a writable path outside of its own data directory.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::Uid;

/// Where a server sees its data directory.
pub(crate) const DATA: &str = "/data";

/// Whether this process is root. Then servers that refuse root need another user, and the
/// namespaces need no user namespace.
pub(crate) fn is_root() -> bool {
    Uid::effective().is_root()
}

/// A `bwrap` command in the making.
pub(crate) struct Sandbox {
    command: Command,
}

impl Sandbox {
    /// The whole of `root`, read-only, is what the server sees.
    pub(crate) fn in_root(root: &Path) -> Self {
        let mut sandbox = Self::empty();
        sandbox.read_only(root, "/");
        // In a private root everything belongs to the user; as "root" there the servers ask no
        // questions about who runs them.
        if !is_root() {
            sandbox.command.args(["--unshare-user", "--uid", "0", "--gid", "0"]);
        }
        sandbox
    }

    /// The host's programs and configuration, read-only, are what the server sees.
    pub(crate) fn on_host() -> Self {
        let mut sandbox = Self::empty();
        for directory in ["/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64"] {
            sandbox.command.args(["--ro-bind-try", directory, directory]);
        }
        sandbox
    }

    fn empty() -> Self {
        let mut command = Command::new("bwrap");
        // Death of the PID namespace's init kills all inside, daemons too; it dies with bwrap, and
        // bwrap with the thread that started it.
        command.args(["--die-with-parent", "--unshare-pid", "--unshare-ipc"]);
        command.args(["--unshare-uts", "--hostname", "localhost", "--clearenv"]);
        apart(&mut command);
        Self { command }
    }

    pub(crate) fn read_only(&mut self, from: &Path, to: &str) {
        self.command.arg("--ro-bind").arg(from).arg(to);
    }

    pub(crate) fn env(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.command.arg("--setenv").arg(name).arg(value);
    }

    /// The complete command: `data` writable at [`DATA`], then `program` with `arguments`.
    pub(crate) fn command<'a>(mut self, data: &Path, program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        self.command.args(["--dev", "/dev", "--proc", "/proc"]);
        self.command.args(["--perms", "1777", "--tmpfs", "/tmp", "--tmpfs", "/run"]);
        self.command.arg("--bind").arg(data).arg(DATA);
        self.env("HOME", DATA);
        self.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        // The only locale that exists in the private roots.
        self.env("LC_ALL", "C");
        self.command.arg("--").arg(program).args(arguments);
        self.command
    }
}

/// A sandbox's complete command, at this niceness, 0 to 19.
pub(crate) fn with_niceness(command: Command, niceness: u8) -> Command {
    if niceness == 0 {
        return command;
    }
    let mut nice = Command::new("nice");
    nice.arg(format!("-n{niceness}")).arg(command.get_program()).args(command.get_args());
    apart(&mut nice);
    nice
}

/// A Ctrl-C for the owner must not reach the servers behind its back.
fn apart(command: &mut Command) {
    command.process_group(0);
}
