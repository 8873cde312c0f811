//! Sees to it that pip is there: installs it from apt where this process may, and names the command where it may not. Never
//! asks for a password.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use say::remark;
use tokio::process::Command;
use tokio::time::timeout;

const PACKAGE: &str = "python3-pip";
const APT_DEADLINE: Duration = Duration::from_secs(600);

/// Makes sure that `python3 -m pip` runs.
///
/// # Errors
/// When it does not and cannot be installed.
pub(crate) async fn ensure_pip() -> Result<()> {
    if succeeds("python3", &["-m", "pip", "--version"]).await {
        return Ok(());
    }
    let Some(prefix) = privilege().await else {
        bail!("pip is missing: run `sudo apt-get install {PACKAGE}`");
    };
    remark!("installing {PACKAGE} from apt …");
    // A list of packages that is out of date, or was never fetched, is the usual reason for a failure.
    apt_get(prefix, &["update"]).await?;
    apt_get(prefix, &["install", "--yes", "--no-install-recommends", PACKAGE]).await
}

/// What to put before a command that only root may run, if there is a way without a password.
async fn privilege() -> Option<&'static [&'static str]> {
    let user = Command::new("id").arg("-u").output().await.ok()?;
    if user.stdout.trim_ascii() == b"0" {
        return Some(&["env"]);
    }
    succeeds("sudo", &["-n", "true"]).await.then_some(&["sudo", "-n", "env"])
}

async fn apt_get(prefix: &[&str], arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(prefix[0]);
    command.args(&prefix[1..]).args([
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "--quiet",
        "--option",
        "DPkg::Lock::Timeout=120",
    ]);
    let finished = timeout(APT_DEADLINE, command.args(arguments).output()).await;
    let output = finished.context("apt-get took too long to install pip")?.context("apt-get cannot be run")?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("pip is missing and apt-get could not install it (`sudo apt-get install {PACKAGE}`):\n{}", reason.trim_end());
    }
    Ok(())
}

async fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}
