//! Every kind of fault, and what holds for each: its name, what goes together, in which order it comes and goes.
//!
//! What a fault does stands in one file a kind of target; here nothing is done.

use std::{fmt, time::Duration};

use devstack::{RabbitmqCluster, Server};
use localsystem::Service;

use super::{clock, cut, disk, draw::Draw, failover, memory, network, nodes, redis, sentinels, servers, services};
use crate::fleet::Fleet;

/// One fault that can be injected and healed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// To a replica of a service.
    Service(Service, services::Act),
    /// To a server as a process.
    Server(Server, servers::Act),
    /// To what Redis holds.
    Redis(redis::Act),
    /// Redis' primary is another one, which has not seen everything.
    RedisFailover,
    /// To a primary of Redis under Sentinels.
    Sentinel(sentinels::Act),
    /// No room for a server's data.
    DiskFull(Server),
    /// RabbitMQ believes that it has no memory left, and takes nothing from publishers.
    MemoryAlarm,
    /// To one node of a RabbitMQ cluster.
    Node(nodes::Act),
    /// The network between one node of the cluster and the others.
    MinorityCut,
    /// To the ways between services and a server.
    Network(Server, network::Act),
    /// To the wall clocks of services.
    Clock(clock::Act),
}

/// When Redis may forget what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgets {
    Nothing,
    /// At one moment during the injection, what it was told at any time before.
    WhenInjected,
    /// At any moment until it is healed, and once more when it is.
    WhileItLasts,
}

impl Fault {
    /// Every fault there is; of one RabbitMQ, or of a cluster; of one Redis, or of two under Sentinels. These are not led
    /// anywhere by a proxy, and answer the loss of a primary by making it another one.
    pub(crate) fn all(cluster: bool, sentinels: bool) -> Vec<Fault> {
        let mut all = Vec::new();
        for service in Service::ALL {
            all.extend(services::Act::ALL.map(|act| Fault::Service(service, act)));
        }
        for server in Server::ALL.into_iter().filter(|server| !(sentinels && *server == Server::Redis)) {
            all.extend(servers::Act::ALL.map(|act| Fault::Server(server, act)));
            // The nodes of a cluster have no file systems of their own.
            if !(cluster && server == Server::Rabbitmq) {
                all.push(Fault::DiskFull(server));
            }
            all.extend(network::Act::ALL.map(|act| Fault::Network(server, act)));
        }
        if sentinels {
            all.extend(sentinels::Act::ALL.map(Fault::Sentinel));
        } else {
            all.extend(redis::Act::ALL.map(Fault::Redis));
            all.push(Fault::RedisFailover);
        }
        all.push(Fault::MemoryAlarm);
        if cluster {
            all.extend(nodes::Act::ALL.map(Fault::Node));
            all.push(Fault::MinorityCut);
        }
        all.extend(clock::Act::ALL.map(Fault::Clock));
        all
    }

    /// Whether it can be there at the same time as another one.
    pub(crate) fn goes_with(self, other: Fault) -> bool {
        if self == other {
            return false;
        }
        match (self, other) {
            // There is one api only, and one network between each two.
            (Fault::Service(Service::Api, _), Fault::Service(Service::Api, _)) => false,
            (Fault::Network(one, _), Fault::Network(another, _)) => one != another,
            (Fault::Clock(_), Fault::Clock(_)) => false,
            _ => {
                let process = self.takes_process().zip(other.takes_process());
                // A server cannot be started on a full disk.
                let starts = [(self, other), (other, self)];
                let on_full =
                    |(disk, start): &(Fault, Fault)| matches!((disk.fills(), start.starts()), (Some(a), Some(b)) if a == b);
                process.is_none_or(|(one, another)| one != another) && !starts.iter().any(on_full)
            }
        }
    }

    /// The server whose process it takes away.
    fn takes_process(self) -> Option<Server> {
        match self {
            Fault::Server(server, _) => Some(server),
            Fault::Redis(act) if act.restarts() => Some(Server::Redis),
            Fault::RedisFailover | Fault::Sentinel(_) => Some(Server::Redis),
            // Or no majority would be left.
            Fault::Node(_) | Fault::MinorityCut => Some(Server::Rabbitmq),
            _ => None,
        }
    }

    fn fills(self) -> Option<Server> {
        if let Fault::DiskFull(server) = self { Some(server) } else { None }
    }

    /// The server that is started while it is injected.
    fn starts(self) -> Option<Server> {
        match self {
            Fault::Server(server, servers::Act::Restart) => Some(server),
            Fault::Redis(act) if act.restarts() => Some(Server::Redis),
            _ => None,
        }
    }

    /// Of two, the one with the lower is injected first: what must be told to a server comes before what silences it.
    pub(crate) fn injected_in_turn(self) -> u8 {
        match self {
            Fault::Redis(act) if !act.restarts() => 0,
            Fault::MemoryAlarm => 0,
            Fault::DiskFull(_) => 1,
            _ => 2,
        }
    }

    /// Of two, the one with the lower is healed first: a server needs room to start, and must be there to be told something.
    pub(crate) fn healed_in_turn(self) -> u8 {
        match self {
            Fault::DiskFull(_) => 0,
            Fault::Server(..) | Fault::Node(_) | Fault::MinorityCut => 1,
            Fault::Redis(_) | Fault::RedisFailover | Fault::Sentinel(_) | Fault::MemoryAlarm => 2,
            Fault::Network(..) | Fault::Clock(_) => 3,
            Fault::Service(..) => 4,
        }
    }

    /// When Redis may forget what it was told, idempotency keys among it.
    pub(crate) fn forgets(self) -> Forgets {
        match self {
            Fault::Redis(redis::Act::ScriptFlush) => Forgets::Nothing,
            Fault::Redis(redis::Act::Eviction) | Fault::RedisFailover | Fault::Sentinel(_) => Forgets::WhileItLasts,
            // Killed, it loses what it has not written yet.
            Fault::Redis(_) | Fault::Server(Server::Redis, servers::Act::Kill) => Forgets::WhenInjected,
            _ => Forgets::Nothing,
        }
    }

    /// How long it lasts at least, if it is to be one.
    pub(crate) fn at_least(self) -> Duration {
        match self {
            Fault::Server(_, servers::Act::Pause) => Duration::from_secs(5),
            // A majority needs a moment to see that a leader is gone.
            Fault::Node(_) => Duration::from_secs(10),
            // And the nodes are to live with it for a while after they have noticed.
            Fault::MinorityCut => RabbitmqCluster::NET_TICK * 2,
            _ => Duration::from_secs(2),
        }
    }

    /// Makes it happen.
    pub(crate) async fn inject(self, fleet: &mut Fleet, draw: Draw) -> anyhow::Result<()> {
        match self {
            Fault::Service(service, act) => services::inject(act, fleet.replica(service, draw.replica)?).await,
            Fault::Server(server, act) => servers::inject(act, fleet.host(server, draw.replica), server).await,
            Fault::Redis(act) => redis::inject(act, fleet, draw).await,
            Fault::RedisFailover => failover::inject(fleet, draw).await,
            Fault::Sentinel(act) => sentinels::inject(act, fleet, draw).await,
            Fault::DiskFull(server) => disk::inject(fleet, server).await,
            Fault::MemoryAlarm => memory::inject(fleet.host(Server::Rabbitmq, draw.replica)).await,
            Fault::Node(act) => nodes::inject(act, fleet, draw).await,
            Fault::MinorityCut => cut::inject(fleet, draw).await,
            Fault::Network(server, act) => network::inject(act, fleet, server, draw),
            Fault::Clock(act) => clock::inject(act, fleet, draw),
        }
    }

    /// Makes an end of it. Also when it was not injected, or only half.
    pub(crate) async fn heal(self, fleet: &mut Fleet, draw: Draw) -> anyhow::Result<()> {
        match self {
            Fault::Service(service, act) => services::heal(act, fleet.replica(service, draw.replica)?),
            Fault::Server(server, act) => servers::heal(act, fleet.host(server, draw.replica), server).await,
            Fault::Redis(act) => redis::heal(act, fleet).await,
            Fault::RedisFailover => failover::heal(fleet).await,
            Fault::Sentinel(_) => sentinels::heal(fleet).await,
            Fault::DiskFull(server) => disk::heal(fleet, server).await,
            Fault::MemoryAlarm => memory::heal(fleet.host(Server::Rabbitmq, draw.replica)).await,
            Fault::Node(act) => nodes::heal(act, fleet).await,
            Fault::MinorityCut => cut::heal(fleet).await,
            Fault::Network(server, _) => network::heal(fleet, server),
            Fault::Clock(_) => clock::heal(fleet),
        }
    }
}

/// The name by which it is chosen on the command line and found in tables.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Fault::Service(service, act) => format!("{service}-{}", act.name()),
            Fault::Server(server, act) => format!("{server}-{}", act.name()),
            Fault::Redis(act) => format!("redis-{}", act.name()),
            Fault::RedisFailover => "redis-failover".to_owned(),
            Fault::Sentinel(act) => format!("redis-sentinel-{}", act.name()),
            Fault::DiskFull(server) => format!("{server}-disk-full"),
            Fault::MemoryAlarm => "rabbitmq-memory-alarm".to_owned(),
            Fault::Node(act) => format!("rabbitmq-{}", act.name()),
            Fault::MinorityCut => "rabbitmq-minority-cut".to_owned(),
            Fault::Network(server, act) => format!("{server}-network-{}", act.name()),
            Fault::Clock(act) => format!("clock-{}", act.name()),
        };
        f.pad(&name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        let all: BTreeSet<Fault> = [false, true].into_iter().flat_map(|sentinels| Fault::all(true, sentinels)).collect();
        let names: BTreeSet<String> = all.iter().map(Fault::to_string).collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn two_that_need_the_same_thing_do_not_go_together() {
        let kill = |server| Fault::Server(server, servers::Act::Kill);
        let restart = |server| Fault::Server(server, servers::Act::Restart);
        let redis = Server::Redis;
        assert!(!kill(redis).goes_with(restart(redis)));
        assert!(!kill(redis).goes_with(Fault::Redis(redis::Act::OldSnapshot)));
        assert!(!Fault::DiskFull(redis).goes_with(restart(redis)));
        assert!(!Fault::Redis(redis::Act::LogTruncated).goes_with(Fault::DiskFull(redis)));
        assert!(kill(redis).goes_with(Fault::Redis(redis::Act::FlushAll)));
        assert!(kill(redis).goes_with(Fault::DiskFull(redis)));
        assert!(kill(redis).goes_with(restart(Server::Mysql)));
        // Of three nodes, two must be left.
        assert!(!Fault::MinorityCut.goes_with(Fault::Node(nodes::Act::FollowerKill)));
        assert!(!Fault::MinorityCut.goes_with(kill(Server::Rabbitmq)));
        assert!(Fault::MinorityCut.goes_with(Fault::Network(Server::Rabbitmq, network::Act::Slow)));
    }

    #[test]
    fn going_together_is_mutual() {
        for sentinels in [false, true] {
            for one in Fault::all(true, sentinels) {
                for another in Fault::all(true, sentinels) {
                    assert_eq!(one.goes_with(another), another.goes_with(one), "{one} {another}");
                }
            }
        }
    }
}
