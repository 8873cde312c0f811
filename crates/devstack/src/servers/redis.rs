//! Redis 8 as the system wants it in production: append-only file, no snapshots, no eviction.

use std::process::Command;

use super::Site;
use crate::sandbox::Sandbox;

pub(super) fn command(site: &Site<'_>) -> Command {
    let port = site.ports.redis.to_string();
    Sandbox::in_root(&site.images.main_root).command(
        site.data,
        "redis-server",
        [
            "--bind",
            "127.0.0.1",
            "--port",
            &port,
            "--dir",
            "/data",
            "--appendonly",
            "yes",
            "--save",
            "",
            "--maxmemory-policy",
            "noeviction",
        ],
    )
}
