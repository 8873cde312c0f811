//! Runs `chatctl` with a system's environment.

use std::{process::Stdio, time::Duration};

use serde_json::Value;
use testkit::System;
use tokio::process::Command;

/// Longer than any command may take that goes right.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a process has said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) success: bool,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.out.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The command, not yet run.
pub(crate) fn command(system: &System, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatctl"));
    command.env_clear().envs(system.variables()).args(arguments).kill_on_drop(true).stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) async fn chatctl(system: &System, arguments: &[&str]) -> Said {
    let running = command(system, arguments).output();
    let output = tokio::time::timeout(PATIENCE, running).await.unwrap_or_else(|_| panic!("{arguments:?} takes too long"));
    let output = output.unwrap();
    Said { success: output.status.success(), out: output.stdout, err: String::from_utf8(output.stderr).unwrap() }
}

/// Runs it, and it must succeed.
pub(crate) async fn succeeds(system: &System, arguments: &[&str]) -> Said {
    let said = chatctl(system, arguments).await;
    assert!(said.success, "{arguments:?}: {said:?}");
    said
}

/// Runs it, and it must fail.
pub(crate) async fn fails(system: &System, arguments: &[&str]) -> Said {
    let said = chatctl(system, arguments).await;
    assert!(!said.success, "{arguments:?}: {said:?}");
    said
}
