//! The directory of one stack: `<server>/` for each one's data, `logs/`, the state file, the
//! control socket, and the lock that makes it one stack's alone.

use std::fs::{self, DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::{DataDir, Error};

const LOCK: &str = "owner.lock";

/// A claimed data directory; a temporary one is removed on drop.
#[derive(Debug)]
pub(crate) struct Claimed {
    path: PathBuf,
    temporary: bool,
    _lock: File,
}

impl Claimed {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed now is swept by the next temporary stack.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Makes the directory if need be and takes it for this process.
pub(crate) fn claim(wanted: &DataDir, cache: &Path) -> Result<Claimed, Error> {
    match wanted {
        DataDir::Path(path) => {
            create(path)?;
            let path = fs::canonicalize(path).map_err(Error::io("resolve", path))?;
            let lock = lock(&path)?;
            Ok(Claimed { path, temporary: false, _lock: lock })
        }
        DataDir::Temporary => claim_temporary(&cache.join("temporary")),
    }
}

fn claim_temporary(parent: &Path) -> Result<Claimed, Error> {
    create(parent)?;
    // Held while a new directory is not locked yet, or a sweeper would take it for an orphan.
    let gate_path = parent.join("gate.lock");
    let gate = File::create(&gate_path).map_err(Error::io("create", &gate_path))?;
    gate.lock().map_err(Error::io("lock", &gate_path))?;
    sweep(parent);
    let path = parent.join(format!("{:08x}", rand::random::<u32>()));
    create(&path)?;
    let lock = lock(&path)?;
    Ok(Claimed { path, temporary: true, _lock: lock })
}

/// Removes what stacks whose owner was killed left behind.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && lock(&path).is_ok() {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

fn create(path: &Path) -> Result<(), Error> {
    // Elasticsearch runs as another user, but sees its part through a mount of its own.
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::io("create", path))
}

fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join(LOCK);
    let mut file = File::options().create(true).truncate(false).write(true).open(&path).map_err(Error::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Err(in_use(directory)),
        Err(fs::TryLockError::Error(source)) => return Err(Error::io("lock", &path)(source)),
    }
    file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(Error::io("write", &path))?;
    Ok(file)
}

/// Whether some process holds the directory now.
pub(crate) fn is_claimed(directory: &Path) -> bool {
    let held = |file: File| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock));
    File::open(directory.join(LOCK)).is_ok_and(held)
}

fn in_use(directory: &Path) -> Error {
    Error::DataDirInUse { path: directory.to_owned(), owner: owner(directory) }
}

/// The process id of whoever holds the directory, or "unknown".
pub(crate) fn owner(directory: &Path) -> String {
    let owner = fs::read_to_string(directory.join(LOCK)).unwrap_or_default();
    if owner.is_empty() { "unknown".to_owned() } else { owner }
}
