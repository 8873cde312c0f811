//! RabbitMQ 4 with its management UI, its own epmd, and bounds on disk and memory that suit a
//! machine shared with a developer.

use std::fs::File;
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use super::{Site, certificates, configure, probe};
use crate::cache::Images;
use crate::ports::Assigned;
use crate::sandbox::Sandbox;
use crate::{Error, RabbitmqCluster, RabbitmqNode};

const PLUGINS: &str = "[rabbitmq_management,rabbitmq_prometheus].\n";

pub(super) fn command(site: &Site<'_>) -> Result<Command, Error> {
    configure(site, "enabled_plugins", PLUGINS)?;
    configure(site, "rabbitmq.conf", &configuration(site))?;
    if let Some(node) = site.rabbitmq_node {
        write_cookie(site, &node.cookie)?;
    }
    let mut sandbox = Sandbox::in_root(&site.images.main_root);
    // They name the listener without TLS, of which there is to be none then.
    let plain = |name: &str| ["RABBITMQ_NODE_IP_ADDRESS", "RABBITMQ_NODE_PORT"].contains(&name);
    for (name, value) in environment(site).into_iter().filter(|(name, _)| site.certificates.is_none() || !plain(name)) {
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

pub(super) async fn is_ready(ports: &Assigned, secure: bool) -> bool {
    let says_ok = async |check: &str| {
        let url = format!("http://127.0.0.1:{}/api/health/checks/{check}", ports.rabbitmq_management);
        probe::http_says(&url, Some(("guest", "guest")), "ok").await
    };
    if !says_ok("virtual-hosts").await {
        return false;
    }
    if secure { says_ok(&format!("port-listener/{}", ports.amqp)).await } else { probe::amqp_starts(ports.amqp).await }
}

/// The daemon by which nodes find one another's ports, for a cluster: each node's own would die with it. It answers on all their
/// addresses, and, as it always does, on 127.0.0.1.
pub(crate) fn epmd(images: &Images, data: &Path, port: u16, addresses: &[Ipv4Addr]) -> Command {
    let port = port.to_string();
    let addresses = addresses.iter().map(Ipv4Addr::to_string).collect::<Vec<_>>().join(",");
    Sandbox::in_root(&images.main_root).command(data, "epmd", ["-port", &port, "-address", &addresses])
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
    let listeners = match site.certificates {
        None => format!("listeners.tcp.local = 127.0.0.1:{amqp}\n"),
        Some(_) => {
            format!("listeners.tcp = none\nlisteners.ssl.local = 127.0.0.1:{amqp}\n{}", certificates::OPTIONS_OF_RABBITMQ)
        }
    };
    format!(
        "{formation}{nodes}\
         {listeners}\
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

fn environment(site: &Site<'_>) -> [(&'static str, String); 14] {
    let text = str::to_owned;
    let ports = site.ports;
    let node = site.rabbitmq_node;
    [
        // An address takes the place of a host's name in the names of a cluster's nodes, and has dots.
        ("RABBITMQ_USE_LONGNAME", node.is_some().to_string()),
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
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", machine(node)),
        // A failed start is told by the log; a dump of the VM only fills the disk.
        ("ERL_CRASH_DUMP_BYTES", text("0")),
    ]
}

/// What the Erlang machine is told: not to spin when it has nothing to do, for its processors are others' too (RabbitMQ's runtime
/// guide, "CPU utilisation"), and how it talks to other nodes.
fn machine(node: Option<&RabbitmqNode>) -> String {
    format!("+sbwt none +sbwtdcpu none +sbwtdio none {}", kernel(node))
}

/// See `kernel(6)` of Erlang/OTP.
fn kernel(node: Option<&RabbitmqNode>) -> String {
    let tuple = |address: Ipv4Addr| format!("{{{}}}", address.octets().map(|byte| byte.to_string()).join(","));
    // It would listen on every address otherwise.
    let listen = |address| format!("-kernel inet_dist_use_interface {}", tuple(address));
    match node {
        None => listen(Ipv4Addr::LOCALHOST),
        Some(node) => format!(
            "{} inet_dist_connect_options [{{ip,{}}}] net_ticktime {}",
            listen(node.address),
            tuple(node.address),
            RabbitmqCluster::NET_TICK.as_secs()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_of_a_cluster_listens_and_connects_on_its_own_address_and_any_other_on_the_usual_one() {
        assert_eq!(kernel(None), "-kernel inet_dist_use_interface {127,0,0,1}");
        let node = RabbitmqNode {
            name: "chat-1@127.0.0.11".to_owned(),
            address: Ipv4Addr::new(127, 0, 0, 11),
            cluster: Vec::new(),
            epmd: 1,
            cookie: "A".to_owned(),
        };
        let kernel = kernel(Some(&node));
        let expected = "inet_dist_use_interface {127,0,0,11} inet_dist_connect_options [{ip,{127,0,0,11}}] net_ticktime 10";
        assert_eq!(kernel, format!("-kernel {expected}"));
    }
}
