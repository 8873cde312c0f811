//! Finds the programs, and builds them when they are missing or old.

use std::{path::PathBuf, process::Stdio};

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
    /// Has cargo build all of them, which takes a moment when nothing has changed. Its progress goes to standard error. Cargo
    /// looks for the workspace from the current directory upwards: where this program was compiled the checkout may not lie any
    /// longer.
    ///
    /// # Errors
    /// When cargo is missing, the current directory is not within the checkout, or the build fails.
    pub async fn build() -> anyhow::Result<Self> {
        // Cargo names itself to what it runs.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--locked"]);
        // What cargo tells the program it runs about that program's package: build scripts watch these names, and would run
        // again.
        for (name, _) in std::env::vars_os().filter(|(name, _)| of_a_package(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        for package in PACKAGES {
            command.args(["--package", package]);
        }
        // Who is told to stop meanwhile leaves no build behind.
        let status = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await
            .context("cargo cannot be started; is Rust installed?")?;
        ensure!(status.success(), "the build failed");
        // This program was built by the same cargo into the same place; a test lies one directory deeper.
        let program = std::env::current_exe()?;
        let beside = program.ancestors().skip(1).take(2).find(|directory| directory.join("api").is_file());
        let directory = beside.with_context(|| format!("cargo built the programs elsewhere than {}", program.display()))?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// Programs that were built by someone else, with whatever features.
    pub fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The path of a program, by the name of its package.
    pub fn path(&self, program: &str) -> PathBuf {
        self.directory.join(program)
    }
}

/// Whether cargo sets the variable to something else for each package that it runs, as The Cargo Book lists them.
fn of_a_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| variable.starts_with(prefix))
}
