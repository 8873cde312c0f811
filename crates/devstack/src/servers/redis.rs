//! Redis 8 as the system wants it in production: append-only file, no snapshots, no eviction. And the same program as a Sentinel.

use std::path::Path;
use std::process::Command;

use super::{Site, certificates};
use crate::cache::Images;
use crate::sandbox::Sandbox;

pub(super) fn command(site: &Site<'_>) -> Command {
    let port = site.ports.redis.to_string();
    let listen = match site.certificates {
        None => vec!["--port", port.as_str()],
        Some(_) => [&["--port", "0", "--tls-port", port.as_str()], certificates::OPTIONS_OF_REDIS.as_slice()].concat(),
    };
    Sandbox::in_root(&site.images.main_root).command(
        site.data,
        "redis-server",
        ["--bind", "127.0.0.1", "--dir", "/data", "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"]
            .into_iter()
            .chain(listen),
    )
}

/// A Sentinel, whose configuration is this file in its directory. It writes there what it learns.
pub(crate) fn sentinel(images: &Images, data: &Path, configuration: &str) -> Command {
    let configuration = format!("{}/{configuration}", crate::sandbox::DATA);
    Sandbox::in_root(&images.main_root).command(data, "redis-server", [configuration.as_str(), "--sentinel"])
}
