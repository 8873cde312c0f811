//! Where this crate keeps its files, and the only reader of the environment variables that say so.
//! Everything is per user and outside of any checkout.

use std::env;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use crate::Error;

/// `$CHAT_DEVSTACK_CACHE`, or `chat-devstack` in `$XDG_CACHE_HOME` or `~/.cache`: the root file
/// systems, Elasticsearch, the temporary stacks and the reservations of ports.
pub fn cache_directory() -> Result<PathBuf, Error> {
    match directory("CHAT_DEVSTACK_CACHE") {
        Some(chosen) => Ok(chosen),
        None => below_home("XDG_CACHE_HOME", ".cache"),
    }
}

/// `chat-devstack` in `$XDG_DATA_HOME` or `~/.local/share`: the data directory of a stack whose
/// user named none.
pub fn default_data_directory() -> Result<PathBuf, Error> {
    below_home("XDG_DATA_HOME", ".local/share")
}

fn below_home(variable: &str, otherwise: &str) -> Result<PathBuf, Error> {
    directory(variable)
        .or_else(|| directory("HOME").map(|home| home.join(otherwise)))
        .map(|base| base.join("chat-devstack"))
        .ok_or_else(|| Error::Invalid(format!("neither HOME nor {variable} is an absolute path")))
}

/// XDG's rule: a relative path counts as unset.
fn directory(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The program of this name on the PATH.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|directory| directory.join(name)).find(|candidate| candidate.is_file())
}

/// Fails with one clear sentence when the file system of `path` (which must exist) has less room.
pub(crate) fn require_space(path: &Path, needed_mib: u64) -> Result<(), Error> {
    let figures = statvfs(path)
        .map_err(|source| Error::Io { what: format!("ask for the free space of {}", path.display()), source: source.into() })?;
    let free_mib = figures.blocks_available() * figures.fragment_size() / (1024 * 1024);
    if free_mib < needed_mib {
        return Err(Error::NoSpace { path: path.to_owned(), free_mib, needed_mib });
    }
    Ok(())
}
