//! RabbitMQ 4 with its management UI, its own epmd, and bounds on disk and memory that suit a
//! machine shared with a developer.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use super::{Site, configure, probe};
use crate::Error;
use crate::cache::Images;
use crate::ports::Assigned;
use crate::sandbox::Sandbox;

const PLUGINS: &str = "[rabbitmq_management,rabbitmq_prometheus].\n";

pub(super) fn command(site: &Site<'_>) -> Result<Command, Error> {
    configure(site, "enabled_plugins", PLUGINS)?;
    configure(site, "rabbitmq.conf", &configuration(site))?;
    if let Some(node) = site.rabbitmq_node {
        write_cookie(site, &node.cookie)?;
    }
    let mut sandbox = Sandbox::in_root(&site.images.main_root);
    for (name, value) in environment(site) {
        sandbox.env(name, value);
    }
    // The number of connections follows from the limit of open files: more than the usual soft one,
    // but not a container's thousand million, each of which Erlang would close at every fork.
    let script = "ulimit -n 65536 2>/dev/null || ulimit -n \"$(ulimit -Hn)\"\n\
                  exec /usr/lib/rabbitmq/bin/rabbitmq-server";
    Ok(sandbox.command(site.data, "sh", ["-c", script]))
}

/// One of the broker's own commands, which finds the node by the same variables, and its cookie in the same home.
pub(super) fn control<'a>(site: &Site<'_>, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut sandbox = Sandbox::in_root(&site.images.main_root);
    for (name, value) in environment(site) {
        sandbox.env(name, value);
    }
    sandbox.command(site.data, "/usr/lib/rabbitmq/bin/rabbitmqctl", arguments)
}

pub(super) async fn is_ready(ports: &Assigned) -> bool {
    let url = format!("http://127.0.0.1:{}/api/health/checks/virtual-hosts", ports.rabbitmq_management);
    probe::http_says(&url, Some(("guest", "guest")), "ok").await && probe::amqp_starts(ports.amqp).await
}

/// The daemon by which nodes find one another's ports, for a cluster: each node's own would die with it.
pub(crate) fn epmd(images: &Images, data: &Path, port: u16) -> Command {
    let port = port.to_string();
    Sandbox::in_root(&images.main_root).command(data, "epmd", ["-port", &port, "-address", "127.0.0.1"])
}

/// Erlang refuses a cookie that others may read.
fn write_cookie(site: &Site<'_>, cookie: &str) -> Result<(), Error> {
    let path = site.data.join(".erlang.cookie");
    // It is not writable once it is there.
    if path.exists() {
        return Ok(());
    }
    let written = File::options().create_new(true).write(true).mode(0o400).open(&path);
    written.and_then(|mut file| file.write_all(cookie.as_bytes())).map_err(Error::io("write", &path))
}

fn configuration(site: &Site<'_>) -> String {
    let Assigned { amqp, rabbitmq_management, rabbitmq_prometheus, .. } = site.ports;
    let nodes = site.rabbitmq_node.map(|node| node.cluster.as_slice()).unwrap_or_default();
    let formation = match nodes {
        [] => String::new(),
        _ => "cluster_formation.peer_discovery_backend = classic_config\n".to_owned(),
    };
    let nodes = (1..).zip(nodes).map(|(number, node)| format!("cluster_formation.classic_config.nodes.{number} = {node}\n"));
    let nodes: String = nodes.collect();
    format!(
        "{formation}{nodes}\
         listeners.tcp.local = 127.0.0.1:{amqp}\n\
         management.tcp.ip = 127.0.0.1\n\
         management.tcp.port = {rabbitmq_management}\n\
         prometheus.tcp.ip = 127.0.0.1\n\
         prometheus.tcp.port = {rabbitmq_prometheus}\n\
         log.console = true\n\
         log.console.level = info\n\
         log.file = false\n\
         disk_free_limit.absolute = 50MB\n\
         vm_memory_high_watermark.absolute = 1GB\n\
         raft.wal_max_size_bytes = 16777216\n"
    )
}

fn environment(site: &Site<'_>) -> [(&'static str, String); 13] {
    let text = str::to_owned;
    let ports = site.ports;
    let node = site.rabbitmq_node;
    [
        ("RABBITMQ_NODENAME", node.map_or_else(|| text("chat@localhost"), |node| node.name.clone())),
        ("RABBITMQ_NODE_IP_ADDRESS", text("127.0.0.1")),
        ("RABBITMQ_NODE_PORT", ports.amqp.to_string()),
        ("RABBITMQ_DIST_PORT", ports.rabbitmq_distribution.to_string()),
        ("ERL_EPMD_ADDRESS", text("127.0.0.1")),
        ("ERL_EPMD_PORT", node.map_or(ports.epmd, |node| node.epmd).to_string()),
        ("RABBITMQ_MNESIA_BASE", text("/data/mnesia")),
        ("RABBITMQ_LOG_BASE", text("/data/log")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", text("/data/enabled_plugins")),
        ("RABBITMQ_CONFIG_FILE", text("/data/rabbitmq.conf")),
        ("RABBITMQ_PID_FILE", text("/data/rabbitmq.pid")),
        // The port between nodes would listen on every address otherwise.
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", text("-kernel inet_dist_use_interface {127,0,0,1}")),
        // A failed start is told by the log; a dump of the VM only fills the disk.
        ("ERL_CRASH_DUMP_BYTES", text("0")),
    ]
}
