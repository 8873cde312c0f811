//! Finds the programs, and builds them when they are missing or old.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, ensure};
use tokio::process::Command;

/// Built together, as the Makefile does: cargo builds shared dependencies anew for a selection that asks for other features.
const PACKAGES: [&str; 6] = ["api", "ingest", "consumer", "chatctl", "localsystem", "load"];

/// Where the programs of this checkout lie, built as this one was: for release, or with debug assertions.
#[derive(Debug, Clone)]
pub struct Binaries {
    directory: PathBuf,
}

impl Binaries {
    /// Has cargo build all of them, which takes a moment when nothing has changed. Its progress goes to standard error.
    ///
    /// # Errors
    /// When cargo is missing or the build fails.
    pub async fn build() -> anyhow::Result<Self> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        // Cargo names itself to what it runs.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(&workspace).args(["build", "--locked"]);
        let profile = if cfg!(debug_assertions) {
            "debug"
        } else {
            command.arg("--release");
            "release"
        };
        for package in PACKAGES {
            command.args(["--package", package]);
        }
        let status = command.stdin(Stdio::null()).status().await.context("cargo cannot be started; is Rust installed?")?;
        ensure!(status.success(), "the build failed");
        // This program was built by the same cargo into the same place.
        let directory = std::env::current_exe()?.parent().context("a program without a directory")?.to_owned();
        let directory = if directory.join("api").exists() { directory } else { workspace.join("target").join(profile) };
        Ok(Self { directory })
    }

    /// The path of a program.
    pub(crate) fn path(&self, program: &str) -> PathBuf {
        self.directory.join(program)
    }
}
