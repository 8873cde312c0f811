//! RabbitMQ 4 with its management UI, its own epmd, and bounds on disk and memory that suit a
//! machine shared with a developer.

use std::process::Command;

use super::{Site, configure, probe};
use crate::Error;
use crate::ports::Assigned;
use crate::sandbox::Sandbox;

const PLUGINS: &str = "[rabbitmq_management,rabbitmq_prometheus].\n";

pub(super) fn command(site: &Site<'_>) -> Result<Command, Error> {
    configure(site, "enabled_plugins", PLUGINS)?;
    configure(site, "rabbitmq.conf", &configuration(site.ports))?;
    let mut sandbox = Sandbox::in_root(&site.images.main_root);
    for (name, value) in environment(site.ports) {
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
    for (name, value) in environment(site.ports) {
        sandbox.env(name, value);
    }
    sandbox.command(site.data, "/usr/lib/rabbitmq/bin/rabbitmqctl", arguments)
}

pub(super) async fn is_ready(ports: &Assigned) -> bool {
    let url = format!("http://127.0.0.1:{}/api/health/checks/virtual-hosts", ports.rabbitmq_management);
    probe::http_says(&url, Some(("guest", "guest")), "ok").await && probe::amqp_starts(ports.amqp).await
}

fn configuration(ports: &Assigned) -> String {
    let Assigned { amqp, rabbitmq_management, rabbitmq_prometheus, .. } = ports;
    format!(
        "listeners.tcp.local = 127.0.0.1:{amqp}\n\
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

fn environment(ports: &Assigned) -> [(&'static str, String); 13] {
    let text = str::to_owned;
    [
        ("RABBITMQ_NODENAME", text("chat@localhost")),
        ("RABBITMQ_NODE_IP_ADDRESS", text("127.0.0.1")),
        ("RABBITMQ_NODE_PORT", ports.amqp.to_string()),
        ("RABBITMQ_DIST_PORT", ports.rabbitmq_distribution.to_string()),
        ("ERL_EPMD_ADDRESS", text("127.0.0.1")),
        ("ERL_EPMD_PORT", ports.epmd.to_string()),
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
