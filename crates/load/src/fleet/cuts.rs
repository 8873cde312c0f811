//! Cuts between RabbitMQ's nodes, as a switch makes them that fails: what goes from one to another vanishes, of connections that
//! are there too, while each goes on talking to its clients.
//!
//! By rules of routing in a network namespace of this process alone: each node talks to the others from an address of its own.
//! (No proxy could do it: which node opens a connection to which is for the nodes to decide.)

use std::{net::Ipv4Addr, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use nix::unistd::Uid;
use tokio::{process::Command, time::timeout};

use super::namespaces::Namespaces;

/// The kernel asks for local addresses first of all; here comes what must be asked before, and then they.
const CUTS: &str = "5";
const LOCAL: &str = "10";
const FIRST_OF_ALL: &str = "0";
const RULE_WITHIN: Duration = Duration::from_secs(10);

/// Why nodes cannot be cut off here, in one sentence; `None` when they can.
pub(crate) fn hindrance() -> Option<&'static str> {
    if !Uid::effective().is_root() {
        return Some("a cut between nodes needs a network of its own, which only root may make: run as root for these faults");
    }
    if std::process::Command::new("ip").arg("-V").stdout(Stdio::null()).status().is_err() {
        return Some("a cut between nodes needs the program ip (apt-get install iproute2)");
    }
    let network = Namespaces { mounts: false, network: true };
    let allowed = network.allow(&["ip", "rule", "add", "pref", CUTS, "from", "127.0.0.2", "to", "127.0.0.3", "blackhole"]);
    (!allowed).then_some("a cut between nodes needs a network of its own, which this machine does not let root make")
}

/// The network of this process, and what is cut in it.
#[derive(Debug)]
pub(crate) struct Cuts {
    made: Vec<[String; 2]>,
}

impl Cuts {
    /// Makes the namespace's loopback interface one that works, and on which there can be cuts. Only for a network of this
    /// process's own, see [`has_left`](super::has_left).
    pub(super) async fn prepare() -> anyhow::Result<Self> {
        ip(&["link", "set", "lo", "up"]).await?;
        ip(&["rule", "add", "pref", LOCAL, "from", "all", "lookup", "local"]).await?;
        ip(&["rule", "del", "pref", FIRST_OF_ALL]).await?;
        Ok(Self { made: Vec::new() })
    }

    /// From now on nothing gets through between this address and each of the others, in both directions.
    pub(super) async fn make(&mut self, one: Ipv4Addr, others: impl IntoIterator<Item = Ipv4Addr>) -> anyhow::Result<()> {
        for [from, to] in both_directions(one, others) {
            ip(&["rule", "add", "pref", CUTS, "from", &from, "to", &to, "blackhole"]).await?;
            self.made.push([from, to]);
        }
        Ok(())
    }

    /// Everything gets through again.
    pub(super) async fn mend(&mut self) -> anyhow::Result<()> {
        while let Some([from, to]) = self.made.last() {
            ip(&["rule", "del", "pref", CUTS, "from", from, "to", to, "blackhole"]).await?;
            self.made.pop();
        }
        Ok(())
    }
}

fn both_directions(one: Ipv4Addr, others: impl IntoIterator<Item = Ipv4Addr>) -> Vec<[String; 2]> {
    let directions = others.into_iter().flat_map(|another| [[one, another], [another, one]]);
    directions.map(|addresses| addresses.map(|address| address.to_string())).collect()
}

async fn ip(arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("ip");
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(RULE_WITHIN, command.output()).await.context("ip takes too long")?.context("ip")?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip {}: {}", arguments.join(" "), error.trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_one_in_both_directions_and_leaves_the_others_to_one_another() {
        let [one, two, three] = [11, 12, 13].map(|last| Ipv4Addr::new(127, 0, 0, last));
        let rules = both_directions(two, [one, three]);
        let rule = |from: Ipv4Addr, to: Ipv4Addr| [from.to_string(), to.to_string()];
        assert_eq!(rules, [rule(two, one), rule(one, two), rule(two, three), rule(three, two)]);
    }
}
