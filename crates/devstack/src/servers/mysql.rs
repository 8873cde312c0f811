//! MySQL 9. Durability stays as delivered (each commit is flushed, and the binary log is on), so
//! that measurements mean something.

use std::process::Command;

use super::{Site, certificates};
use crate::sandbox::Sandbox;

pub(super) fn set_up(site: &Site<'_>) -> Command {
    run(site, ["--initialize-insecure", "--datadir=/data/new-files"])
}

pub(super) fn command(site: &Site<'_>) -> Command {
    let port = format!("--port={}", site.ports.mysql);
    let secure = site.certificates.iter().flat_map(|_| certificates::OPTIONS_OF_MYSQL);
    run(
        site,
        [
            "--datadir=/data/files",
            &port,
            "--bind-address=127.0.0.1",
            "--socket=/tmp/mysql.sock",
            "--pid-file=/tmp/mysql.pid",
            "--mysqlx=OFF",
            // Its default directory does not exist here.
            "--secure-file-priv=NULL",
            "--max-connections=600",
            // Readiness probes and killed clients are interrupted handshakes; they must not get
            // 127.0.0.1 blocked.
            "--max-connect-errors=1000000",
            "--innodb-buffer-pool-size=256M",
            "--performance-schema=OFF",
        ]
        .into_iter()
        .chain(secure),
    )
}

fn run<'a>(site: &Site<'_>, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let always = ["--no-defaults", "--user=root"];
    Sandbox::in_root(&site.images.main_root).command(site.data, "mysqld", always.into_iter().chain(arguments))
}
