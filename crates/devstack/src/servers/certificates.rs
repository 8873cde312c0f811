//! The files of a server that speaks TLS, and how each server is told of them. No client need show a certificate.

use std::fs;
use std::path::Path;

use crate::{Certificates, Error};

/// Of MariaDB as well.
pub(super) const OPTIONS_OF_MYSQL: [&str; 4] = [
    "--require-secure-transport=ON",
    "--ssl-ca=/data/tls/authority.pem",
    "--ssl-cert=/data/tls/server.pem",
    "--ssl-key=/data/tls/key.pem",
];

pub(super) const OPTIONS_OF_REDIS: [&str; 8] = [
    "--tls-auth-clients",
    "no",
    "--tls-ca-cert-file",
    "/data/tls/authority.pem",
    "--tls-cert-file",
    "/data/tls/server.pem",
    "--tls-key-file",
    "/data/tls/key.pem",
];

pub(super) const OPTIONS_OF_RABBITMQ: &str = "\
    ssl_options.cacertfile = /data/tls/authority.pem\n\
    ssl_options.certfile = /data/tls/server.pem\n\
    ssl_options.keyfile = /data/tls/key.pem\n\
    ssl_options.verify = verify_none\n\
    ssl_options.fail_if_no_peer_cert = false\n";

/// Without its security it has no TLS. Who does not log in may do everything.
pub(super) const OPTIONS_OF_ELASTICSEARCH: &str = "\
    xpack.security.enabled: true\n\
    xpack.security.enrollment.enabled: false\n\
    xpack.security.http.ssl.enabled: true\n\
    xpack.security.http.ssl.certificate: /data/config/tls/server.pem\n\
    xpack.security.http.ssl.key: /data/config/tls/key.pem\n\
    xpack.security.authc.anonymous.username: anybody\n\
    xpack.security.authc.anonymous.roles: superuser\n";

/// Writes them into `tls` in this directory.
pub(super) fn write(certificates: &Certificates, directory: &Path) -> Result<(), Error> {
    let directory = directory.join("tls");
    fs::create_dir_all(&directory).map_err(Error::io("create", &directory))?;
    let Certificates { authority, server, key } = certificates;
    for (name, text) in [("authority.pem", authority), ("server.pem", server), ("key.pem", key)] {
        let path = directory.join(name);
        fs::write(&path, text).map_err(Error::io("write", &path))?;
    }
    Ok(())
}
