//! The operator's command, run as an operator runs it.

use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::{process::Command, time::timeout};

use crate::Binaries;

/// The tables and the index are made of nothing, or exist.
const MIGRATED_WITHIN: Duration = Duration::from_secs(60);

/// Brings the tables and the index up to date, before the services start.
///
/// # Errors
/// What `chatctl migrate` says.
pub async fn migrate(binaries: &Binaries, environment: &[(String, String)]) -> anyhow::Result<()> {
    chatctl(binaries, &["migrate"], environment, MIGRATED_WITHIN).await.map(drop)
}

/// Runs `chatctl` to its end; what it prints.
///
/// # Errors
/// What it says when it fails, or a sentence when it takes longer than this.
pub async fn chatctl(
    binaries: &Binaries,
    arguments: &[&str],
    environment: &[(String, String)],
    within: Duration,
) -> anyhow::Result<String> {
    let name = format!("chatctl {}", arguments.join(" "));
    let mut command = Command::new(binaries.path("chatctl"));
    command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value))).kill_on_drop(true);
    let output = timeout(within, command.output()).await.with_context(|| format!("{name} takes too long"))?;
    let output = output.context("chatctl cannot be started")?;
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    ensure!(output.status.success(), "{name} failed: {}\n{out}", err.trim());
    Ok(out.into_owned())
}
