//! A file that is needed for one measurement, and gone behind it.

use std::path::{Path, PathBuf};

/// A place in the directory for temporary files. What is there is removed when this is dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// `name` tells one of this process from its others.
    pub(super) fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("load-{}-{name}", std::process::id())))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind it is a file in a directory for such.
        let _ = std::fs::remove_file(&self.0);
    }
}
