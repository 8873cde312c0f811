//! The private root file systems, made with mmdebstrap from its default mirror. Packages are only
//! unpacked: their maintainer scripts do not run, so nothing is configured and no service is started.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::artifact::Artifact;
use crate::preparation::run;
use crate::sandbox::is_root;
use crate::{Error, Progress, tools};

/// What the servers' own start scripts call.
const BASE: &str = "base-files,dash,coreutils,sed,grep,procps";

const MAIN: Artifact = Artifact {
    name: "root-main-1",
    title: "MySQL, Redis and RabbitMQ",
    key_files: &[
        "bin/sh",
        "etc/hosts",
        "usr/sbin/mysqld",
        "usr/bin/redis-server",
        "usr/bin/epmd",
        "usr/lib/rabbitmq/bin/rabbitmq-server",
    ],
    needs_mib: 2000,
};

const MARIADB: Artifact = Artifact {
    name: "root-mariadb-1",
    title: "MariaDB",
    key_files: &["bin/sh", "etc/hosts", "usr/sbin/mariadbd", "usr/bin/mariadb-install-db"],
    needs_mib: 700,
};

/// MySQL 9, Redis 8 and RabbitMQ 4 are in Debian's unstable only.
pub(crate) async fn main(cache: &Path, progress: &dyn Progress) -> Result<PathBuf, Error> {
    let packages = "mysql-server-core,mysql-client-core,rabbitmq-server,redis-server";
    make(&MAIN, cache, "sid", packages, progress).await
}

/// A root of its own: the packages of MariaDB and MySQL exclude each other. Debian 12 has 10.11,
/// the oldest that must work.
pub(crate) async fn mariadb(cache: &Path, progress: &dyn Progress) -> Result<PathBuf, Error> {
    let packages = "mariadb-server-core,mariadb-client-core,perl-base,hostname";
    make(&MARIADB, cache, "bookworm", packages, progress).await
}

async fn make(artifact: &Artifact, cache: &Path, suite: &str, packages: &str, progress: &dyn Progress) -> Result<PathBuf, Error> {
    let build = async |content: &Path, step: &str| {
        tools::ensure(&tools::for_root_fs(), cache, progress).await?;
        run(&mut unpack(content, suite, packages), step, progress).await?;
        complete(content)
    };
    artifact.obtain(cache, progress, build).await
}

fn unpack(content: &Path, suite: &str, packages: &str) -> Command {
    let include = format!("--include={BASE},{packages}");
    let arguments = [
        "--variant=extract",
        // An archive that is mirrored late is good enough for a test server.
        "--aptopt=Acquire::Check-Valid-Until \"false\"",
        &include,
        suite,
    ];
    if is_root() {
        let mut command = Command::new("mmdebstrap");
        command.args(arguments).arg(content);
        return command;
    }
    // An ordinary user cannot make files of other owners: take the archive and own everything.
    let mut command = Command::new("sh");
    let script = "to=$1; shift; { mmdebstrap \"$@\" - || echo failed >&3; } \
                  | tar -x --no-same-owner --exclude='./dev/*' -C \"$to\" 3>&-";
    let checked = format!("result=$({{ {script}; }} 3>&1 >&2) && [ -z \"$result\" ]");
    command.args(["-c", &checked, "sh"]).arg(content).args(arguments);
    command
}

/// What the maintainer scripts would have made, and the places where a read-only root is mounted on.
fn complete(content: &Path) -> Result<(), Error> {
    let shell = content.join("bin/sh");
    if fs::symlink_metadata(&shell).is_err() {
        symlink("dash", &shell).map_err(Error::io("create", &shell))?;
    }
    for directory in ["data", "proc", "dev", "tmp", "run"] {
        let path = content.join(directory);
        fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
    }
    // RabbitMQ hangs in silence when "localhost" does not resolve.
    write(content, "etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")?;
    write(content, "etc/passwd", "root:x:0:0:root:/data:/bin/sh\n")?;
    write(content, "etc/group", "root:x:0:\n")
}

fn write(content: &Path, name: &str, text: &str) -> Result<(), Error> {
    let path = content.join(name);
    fs::write(&path, text).map_err(Error::io("write", &path))
}
