//! The few programs that must be on the host: installed from apt where this process may, named with
//! the exact command where it may not. Never asks for a password.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::process::Command;

use crate::places::{cache_directory, find_program};
use crate::preparation::{run, wait_for_lock};
use crate::sandbox::is_root;
use crate::{Error, Progress};

/// A program of the host and the Debian package that brings it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tool {
    program: &'static str,
    package: &'static str,
}

pub(crate) const BWRAP: Tool = Tool::new("bwrap", "bubblewrap");
pub(crate) const MMDEBSTRAP: Tool = Tool::new("mmdebstrap", "mmdebstrap");
/// Lets an ordinary user make the owners of a root file system's files.
pub(crate) const NEWUIDMAP: Tool = Tool::new("newuidmap", "uidmap");
pub(crate) const MAVEN: Tool = Tool::new("mvn", "maven");
pub(crate) const UNZIP: Tool = Tool::new("unzip", "unzip");
const JAVA: Tool = Tool::new("java", "default-jre-headless");
const FAKETIME: Tool = Tool::new("faketime", "faketime");
const KEYRING: Tool = Tool::new("the Debian archive's keys", "debian-archive-keyring");

impl Tool {
    const fn new(program: &'static str, package: &'static str) -> Self {
        Self { program, package }
    }

    fn is_there(self) -> bool {
        if self == JAVA {
            return find_java().is_some();
        }
        if self == KEYRING {
            return ["gpg", "pgp"]
                .iter()
                .any(|ending| Path::new("/usr/share/keyrings/debian-archive-keyring").with_extension(ending).exists());
        }
        find_program(self.program).is_some()
    }
}

/// Makes sure that all of these are installed.
pub(crate) async fn ensure(tools: &[Tool], cache: &Path, progress: &dyn Progress) -> Result<(), Error> {
    if tools.iter().all(|tool| tool.is_there()) {
        return Ok(());
    }
    let lock_path = cache.join("apt.lock");
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
    wait_for_lock(&lock, &lock_path).await?;
    let missing: Vec<Tool> = tools.iter().copied().filter(|tool| !tool.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing, progress).await?;
    if missing.iter().all(|tool| tool.is_there()) {
        return Ok(());
    }
    Err(cannot_install(&missing))
}

/// What [`ensure`] must hear of before a root file system can be made.
pub(crate) fn for_root_fs() -> Vec<Tool> {
    let mut tools = vec![MMDEBSTRAP, KEYRING];
    if !is_root() {
        tools.push(NEWUIDMAP);
    }
    tools
}

/// The home of a Java that Elasticsearch runs on, installed if there is none.
pub(crate) async fn java_home(cache: &Path, progress: &dyn Progress) -> Result<PathBuf, Error> {
    ensure(&[JAVA], cache, progress).await?;
    find_java().ok_or_else(|| cannot_install(&[JAVA]))
}

/// Makes sure that libfaketime is installed and returns its library for programs with threads. Preloaded into a program, it steps
/// the clock of that program alone.
///
/// # Errors
/// [`Error::MissingTools`] where this process may not install it.
pub async fn fake_clock(progress: &dyn Progress) -> Result<PathBuf, Error> {
    ensure(&[FAKETIME], &cache_directory()?, progress).await?;
    let places = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut libraries = places.map(|place| place.path().join("faketime/libfaketimeMT.so.1"));
    libraries.find(|path| path.exists()).ok_or_else(|| cannot_install(&[FAKETIME]))
}

async fn install(missing: &[Tool], progress: &dyn Progress) -> Result<(), Error> {
    let sudo = !is_root();
    if sudo && !may_sudo().await {
        return Err(cannot_install(missing));
    }
    let step = format!("installing {} from apt", names(missing).join(", "));
    let began = Instant::now();
    progress.begin(&step);
    run(apt_get(sudo).arg("update"), &step, progress).await?;
    let mut command = apt_get(sudo);
    command.args(["install", "-y", "--no-install-recommends"]);
    command.args(missing.iter().map(|tool| tool.package));
    run(&mut command, &step, progress).await?;
    progress.end(&step, began.elapsed());
    Ok(())
}

async fn may_sudo() -> bool {
    let mut command = Command::new("sudo");
    command.args(["-n", "true"]).stderr(std::process::Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

fn apt_get(sudo: bool) -> Command {
    let mut command = Command::new(if sudo { "sudo" } else { "env" });
    if sudo {
        command.args(["-n", "env"]);
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]);
    command.args(["-o", "DPkg::Lock::Timeout=120"]);
    command
}

fn cannot_install(missing: &[Tool]) -> Error {
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    Error::MissingTools { programs: names(missing), command: format!("sudo apt-get install {}", packages.join(" ")) }
}

fn names(tools: &[Tool]) -> Vec<&'static str> {
    tools.iter().map(|tool| tool.program).collect()
}

/// Elasticsearch 8.19 runs on these.
const JAVA_VERSIONS: std::ops::RangeInclusive<u32> = 17..=24;

/// The `java` on the PATH if it will do, else one that Debian installed beside it.
fn find_java() -> Option<PathBuf> {
    let on_path = find_program("java")
        .and_then(|program| fs::canonicalize(program).ok())
        .and_then(|program| Some(program.parent()?.parent()?.to_owned()));
    let installed = fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten();
    on_path
        .into_iter()
        .chain(installed.map(|entry| entry.path()))
        .find(|home| java_version(home).is_some_and(|version| JAVA_VERSIONS.contains(&version)))
}

/// Every JDK since 9 says `JAVA_VERSION="17.0.15"` in its file `release`.
fn java_version(home: &Path) -> Option<u32> {
    if !home.join("bin/java").exists() {
        return None;
    }
    let release = fs::read_to_string(home.join("release")).ok()?;
    let line = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
    line.split(['.', '"', '-', '+']).next()?.parse().ok()
}
