//! How much is in a tree of the cache: enough to notice a file that is missing or cut, and quick, for it is measured at each use.
//! Nothing is read of what the files hold.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;

/// All that is not a directory.
#[derive(Serialize, Deserialize, PartialEq, Default)]
pub(super) struct Total {
    files: u64,
    bytes: u64,
}

impl Total {
    /// Links count as what they are: what they lead to is counted where it is, or lies outside.
    pub(super) fn of(root: &Path) -> Result<Self, Error> {
        let mut total = Self::default();
        let mut directories = vec![root.to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(&directory).map_err(Error::io("list", &directory))? {
                let entry = entry.map_err(Error::io("list", &directory))?;
                let path = entry.path();
                let metadata = entry.metadata().map_err(Error::io("find", &path))?;
                if metadata.is_dir() {
                    directories.push(path);
                } else {
                    total.files += 1;
                    total.bytes += metadata.len();
                }
            }
        }
        Ok(total)
    }
}
