//! Elasticsearch 8 as a single node. It refuses to run as root, so root hands it to `nobody`.

use std::fs;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Site, certificates, configure, probe};
use crate::ports::Assigned;
use crate::sandbox::{Sandbox, is_root};
use crate::{Certificates, ElasticsearchOptions, Error};

/// `nobody` and `nogroup`, on every Debian.
const NOBODY: u32 = 65_534;

pub(super) fn command(site: &Site<'_>) -> Result<Command, Error> {
    write_configuration(site)?;
    if is_root() {
        give_to_nobody(site.data)?;
    }
    let mut sandbox = Sandbox::on_host();
    sandbox.read_only(&site.images.elasticsearch, "/server");
    sandbox.read_only(&site.images.java_home, "/java");
    sandbox.env("ES_JAVA_HOME", "/java");
    sandbox.env("ES_PATH_CONF", "/data/config");
    sandbox.env("ES_TMPDIR", "/data/tmp");
    let ElasticsearchOptions { heap_mib, short_lived } = site.elasticsearch;
    let compilers = if short_lived { " -XX:TieredStopAtLevel=1" } else { "" };
    sandbox.env("ES_JAVA_OPTS", format!("-Xms{heap_mib}m -Xmx{heap_mib}m{compilers}"));

    // Its script needs bash, whatever else the host's "sh" may be.
    let program = "/server/bin/elasticsearch";
    let id = NOBODY.to_string();
    Ok(if is_root() {
        let switch = ["--reuid", &id, "--regid", &id, "--clear-groups"];
        sandbox.command(site.data, "setpriv", switch.into_iter().chain(["bash", program]))
    } else {
        sandbox.command(site.data, "bash", [program])
    })
}

pub(super) async fn is_ready(ports: &Assigned, certificates: Option<&Certificates>) -> bool {
    let (path, expected) = ("/_cluster/health?wait_for_status=yellow&timeout=1s", "\"timed_out\":false");
    match certificates {
        Some(certificates) => probe::https_says(ports.elasticsearch, certificates, path, expected).await,
        None => probe::http_says(&format!("http://127.0.0.1:{}{path}", ports.elasticsearch), None, expected).await,
    }
}

/// A fresh copy of the delivered configuration each time, because the ports may have changed.
fn write_configuration(site: &Site<'_>) -> Result<(), Error> {
    let to = site.data.join("config");
    if to.exists() {
        fs::remove_dir_all(&to).map_err(Error::io("remove", &to))?;
    }
    let from = site.images.elasticsearch.join("config");
    copy(&from, &to)?;
    let tmp = site.data.join("tmp");
    fs::create_dir_all(&tmp).map_err(Error::io("create", &tmp))?;
    if let Some(certificates) = site.certificates {
        // It reads them from nowhere else.
        certificates::write(certificates, &to)?;
    }
    configure(site, "config/elasticsearch.yml", &settings(site.ports, site.certificates.is_some()))
}

fn settings(ports: &Assigned, secure: bool) -> String {
    let Assigned { elasticsearch, elasticsearch_transport, .. } = ports;
    let security = if secure { certificates::OPTIONS_OF_ELASTICSEARCH } else { "xpack.security.enabled: false\n" };
    format!(
        "path.data: /data/files\n\
         path.logs: /data/logs\n\
         http.host: 127.0.0.1\n\
         http.port: {elasticsearch}\n\
         transport.host: 127.0.0.1\n\
         transport.port: {elasticsearch_transport}\n\
         discovery.type: single-node\n\
         {security}\
         # A developer's disk may be 95 % full and still have room for tests.\n\
         cluster.routing.allocation.disk.threshold_enabled: false\n"
    )
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(Error::io("create", to))?;
    for entry in fs::read_dir(from).map_err(Error::io("read", from))? {
        let path = entry.map_err(Error::io("read", from))?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).map_err(Error::io("copy", &path))?;
        }
    }
    Ok(())
}

fn give_to_nobody(path: &Path) -> Result<(), Error> {
    for path in all_in(path)? {
        // A link is given away itself, and never what it leads to.
        lchown(&path, Some(NOBODY), Some(NOBODY)).map_err(Error::io("change the owner of", &path))?;
    }
    Ok(())
}

/// The path and all beneath it. No link is followed: the server may have left one that leads out of its directory.
fn all_in(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut all = vec![path.to_owned()];
    if fs::symlink_metadata(path).map_err(Error::io("read", path))?.is_dir() {
        for entry in fs::read_dir(path).map_err(Error::io("read", path))? {
            all.extend(all_in(&entry.map_err(Error::io("read", path))?.path())?);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_a_link_leads_to_is_left_alone() {
        let root = std::env::temp_dir().join(format!("devstack-links-{}", std::process::id()));
        let (data, elsewhere) = (root.join("data"), root.join("elsewhere"));
        fs::create_dir_all(data.join("files")).unwrap();
        fs::create_dir_all(&elsewhere).unwrap();
        fs::write(elsewhere.join("secret"), "").unwrap();
        fs::write(data.join("files/own"), "").unwrap();
        symlink(&elsewhere, data.join("link")).unwrap();
        let mut all = all_in(&data).unwrap();
        all.sort();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(all, [data.clone(), data.join("files"), data.join("files/own"), data.join("link")]);
    }
}
