//! Ports: the caller's choice where there is one, else free ones. All lie below 32768, where the
//! kernel takes the ports of outgoing connections from; above, a server may find its port in use.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::str::FromStr;

use rand::Rng;

use crate::{Error, Server};

/// Ports that the caller insists on. `None` is found free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ports {
    /// MySQL or MariaDB.
    pub mysql: Option<u16>,
    /// Redis.
    pub redis: Option<u16>,
    /// RabbitMQ, AMQP.
    pub amqp: Option<u16>,
    /// RabbitMQ, management UI and API.
    pub rabbitmq_management: Option<u16>,
    /// RabbitMQ, metrics.
    pub rabbitmq_prometheus: Option<u16>,
    /// Elasticsearch, HTTP.
    pub elasticsearch: Option<u16>,
}

/// Reads `mysql=3306,redis=6379,amqp=5672,management=15672,prometheus=15692,elasticsearch=9200`,
/// any part of it.
impl FromStr for Ports {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut ports = Ports::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let invalid = || {
                Error::Invalid(format!(
                    "\"{part}\" is no port: write mysql=3306,redis=6379,amqp=5672,\
                     management=15672,prometheus=15692,elasticsearch=9200 or a part of it"
                ))
            };
            let (name, value) = part.split_once('=').ok_or_else(invalid)?;
            let port = Some(value.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(invalid)?);
            match name {
                "mysql" => ports.mysql = port,
                "redis" => ports.redis = port,
                "amqp" => ports.amqp = port,
                "management" => ports.rabbitmq_management = port,
                "prometheus" => ports.rabbitmq_prometheus = port,
                "elasticsearch" => ports.elasticsearch = port,
                _ => return Err(invalid()),
            }
        }
        Ok(ports)
    }
}

const FROM: u16 = 20_000;
const TO: u16 = 32_000;
/// Ports are reserved in blocks of this size, one block a stack.
const BLOCK: u16 = 16;
const ATTEMPTS: usize = 200;

/// The ports of one stack, held until this is dropped.
#[derive(Debug)]
pub(crate) struct Assigned {
    pub(crate) mysql: u16,
    pub(crate) redis: u16,
    pub(crate) amqp: u16,
    pub(crate) rabbitmq_management: u16,
    pub(crate) rabbitmq_prometheus: u16,
    pub(crate) rabbitmq_distribution: u16,
    pub(crate) epmd: u16,
    pub(crate) elasticsearch: u16,
    pub(crate) elasticsearch_transport: u16,
    pub(crate) sentinels: [u16; 3],
    /// Keeps other stacks off the block while their ports are not bound yet, or not any more.
    _block: File,
}

/// Takes a free block of ports and puts the caller's own in place of the block's. Configured ports
/// are checked only for the servers that are to be started now.
pub(crate) fn assign(cache: &Path, wanted: &Ports, starting: &[Server]) -> Result<Assigned, Error> {
    require_free(wanted, starting)?;
    let (base, lock) = reserve_block(&cache.join("ports"))?;
    Ok(Assigned {
        mysql: wanted.mysql.unwrap_or(base),
        redis: wanted.redis.unwrap_or(base + 1),
        amqp: wanted.amqp.unwrap_or(base + 2),
        rabbitmq_management: wanted.rabbitmq_management.unwrap_or(base + 3),
        rabbitmq_prometheus: wanted.rabbitmq_prometheus.unwrap_or(base + 4),
        rabbitmq_distribution: base + 5,
        epmd: base + 6,
        elasticsearch: wanted.elasticsearch.unwrap_or(base + 7),
        elasticsearch_transport: base + 8,
        sentinels: [base + 9, base + 10, base + 11],
        _block: lock,
    })
}

fn require_free(wanted: &Ports, starting: &[Server]) -> Result<(), Error> {
    let configured = [
        (Server::Mysql, "mysql", wanted.mysql),
        (Server::Redis, "redis", wanted.redis),
        (Server::Rabbitmq, "rabbitmq", wanted.amqp),
        (Server::Rabbitmq, "rabbitmq management", wanted.rabbitmq_management),
        (Server::Rabbitmq, "rabbitmq prometheus", wanted.rabbitmq_prometheus),
        (Server::Elasticsearch, "elasticsearch", wanted.elasticsearch),
    ];
    for (server, what, port) in configured {
        let Some(port) = port.filter(|_| starting.contains(&server)) else {
            continue;
        };
        if !is_free(port) {
            return Err(Error::PortTaken { what, port });
        }
    }
    Ok(())
}

/// A block whose lock no other stack holds and whose ports nothing listens on. Random, so that two
/// stacks that start at once (under different caches, even) hardly ever try the same one.
fn reserve_block(directory: &Path) -> Result<(u16, File), Error> {
    std::fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
    for _ in 0..ATTEMPTS {
        let base = FROM + BLOCK * rand::rng().random_range(0..(TO - FROM) / BLOCK);
        let path = directory.join(base.to_string());
        let lock = File::create(&path).map_err(Error::io("create", &path))?;
        if lock.try_lock().is_ok() && (base..base + BLOCK).all(is_free) {
            return Ok((base, lock));
        }
    }
    Err(Error::NoFreePorts { from: FROM, to: TO })
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_by_name() {
        let ports: Ports = "mysql=3306,management=15672".parse().unwrap();
        assert_eq!(ports.mysql, Some(3306));
        assert_eq!(ports.rabbitmq_management, Some(15672));
        assert_eq!(ports.redis, None);
        for wrong in ["mysql", "mysql=0", "mysql=70000", "oracle=1521"] {
            assert!(wrong.parse::<Ports>().is_err(), "{wrong}");
        }
    }
}
