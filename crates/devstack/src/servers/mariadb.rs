//! MariaDB 10.11, in MySQL's place.

use std::process::Command;

use super::{Site, certificates};
use crate::sandbox::Sandbox;

pub(super) fn set_up(site: &Site<'_>) -> Command {
    run(site, "mariadb-install-db", ["--datadir=/data/new-files", "--auth-root-authentication-method=normal", "--skip-test-db"])
}

pub(super) fn command(site: &Site<'_>) -> Command {
    let port = format!("--port={}", site.ports.mysql);
    let secure = site.certificates.iter().flat_map(|_| certificates::OPTIONS_OF_MYSQL);
    run(
        site,
        "mariadbd",
        [
            "--datadir=/data/files",
            &port,
            "--bind-address=127.0.0.1",
            "--socket=/tmp/mysql.sock",
            "--pid-file=/tmp/mysql.pid",
            // Compiled in, it is latin1; Debian's configuration file says this too.
            "--character-set-server=utf8mb4",
            "--max-connections=600",
            "--max-connect-errors=1000000",
            "--innodb-buffer-pool-size=256M",
        ]
        .into_iter()
        .chain(secure),
    )
}

fn run<'a>(site: &Site<'_>, program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let always = ["--no-defaults", "--user=root"];
    Sandbox::in_root(&site.images.mariadb_root).command(site.data, program, always.into_iter().chain(arguments))
}
