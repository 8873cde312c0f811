//! File systems for the servers' data that can be made full and roomy again: a tmpfs for each server, in a mount namespace of
//! this process alone, so that nothing of them outlives it.
//!
//! Full is the size to which the file system is set, not a file that fills it: what the servers have written takes its room, and
//! nothing else.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, ensure};
use devstack::Server;
use nix::{sys::statvfs::statvfs, unistd::Uid};
use tokio::time::timeout;

use super::namespaces::Namespaces;

/// What a server may write in a run of hours. Memory is taken only as it is written.
const SIZE_MIB: u64 = 8 * 1024;
/// What is left of a full one: less than a server writes in a moment under load.
const LEFT_KIB: u64 = 64;
const MOUNT_WITHIN: Duration = Duration::from_secs(10);

/// Why file systems cannot be made full here, in one sentence; `None` when they can.
pub(crate) fn hindrance() -> Option<&'static str> {
    if !Uid::effective().is_root() {
        return Some("a full disk needs file systems of its own, which only root may mount: run as root for these faults");
    }
    let mounts = Namespaces { mounts: true, network: false };
    (!mounts.allow(&["true"])).then_some("a full disk needs file systems of its own, which this machine does not let root mount")
}

/// The file systems below one directory, each by the name of its server's own directory.
#[derive(Debug)]
pub(crate) struct Disks {
    root: PathBuf,
}

impl Disks {
    /// Mounts one for each server; their data must not be there yet.
    pub(crate) async fn mount(root: &Path) -> anyhow::Result<Self> {
        for server in Server::ALL {
            let path = root.join(server.name());
            std::fs::create_dir_all(&path)?;
            let options = format!("size={SIZE_MIB}m,mode=0700");
            mount(&["-t", "tmpfs", "-o", &options, "chat"], &path).await?;
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Leaves no room.
    pub(crate) async fn fill(&self, server: Server) -> anyhow::Result<()> {
        let path = self.root.join(server.name());
        // The server may write more between the two, and then the size would be too small.
        for _ in 0..10 {
            let figures = statvfs(&path)?;
            let used = (figures.blocks() - figures.blocks_free()) * figures.fragment_size();
            let options = format!("remount,size={}k", used.div_ceil(1024) + LEFT_KIB);
            if mount(&["-o", &options], &path).await.is_ok() {
                return Ok(());
            }
        }
        anyhow::bail!("{} cannot be made full", path.display())
    }

    /// Gives the room back.
    pub(crate) async fn free(&self, server: Server) -> anyhow::Result<()> {
        mount(&["-o", &format!("remount,size={SIZE_MIB}m")], &self.root.join(server.name())).await
    }
}

async fn mount(arguments: &[&str], path: &Path) -> anyhow::Result<()> {
    let mut command = tokio::process::Command::new("mount");
    command.args(arguments).arg(path).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(MOUNT_WITHIN, command.output()).await.context("mount takes too long")?.context("mount")?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "mount {} {}: {}", arguments.join(" "), path.display(), error.trim());
    Ok(())
}
