//! Where the services listen: on the ports that were asked for, or on free ones. What keeps a port from being opened is told in
//! one sentence, which must name the true reason: what to do about a port that is taken does not help with one that is forbidden.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use anyhow::Context;

use crate::Service;

/// Fails when a service could not listen on the port that is given for it. To be asked before anything that takes long.
///
/// # Errors
/// One sentence: which port, and why.
pub fn require_free(ports: &BTreeMap<Service, u16>) -> anyhow::Result<()> {
    choose_addresses(ports).map(drop)
}

/// A given port must be free now, so that a taken one is told before anything is started.
pub(crate) fn choose_addresses(ports: &BTreeMap<Service, u16>) -> anyhow::Result<BTreeMap<Service, SocketAddr>> {
    let mut listeners = Vec::new();
    let mut addresses = BTreeMap::new();
    for service in Service::ALL {
        let port = ports.get(&service).copied().unwrap_or(0);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = listener.map_err(|error| anyhow::anyhow!(refusal(service, port, &error)))?;
        addresses.insert(service, listener.local_addr()?);
        // Kept until all are chosen, so that no free port is found twice.
        listeners.push(listener);
    }
    Ok(addresses)
}

/// A port of the loopback interface that nobody uses now.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).context("no port is free")
}

fn refusal(service: Service, port: u16, error: &io::Error) -> String {
    let port = format!("port {port}, for {service},");
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("{port} is taken by another program: stop that, or choose another port with --{service}-port")
        }
        io::ErrorKind::PermissionDenied => {
            format!("{port} may not be opened by this user: choose one from 1024 up with --{service}-port")
        }
        _ => format!("{port} cannot be opened: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_and_a_port_of_two_services_too() {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = other.local_addr().unwrap().port();
        let told = require_free(&[(Service::Api, port)].into()).unwrap_err().to_string();
        let expected =
            format!("port {port}, for api, is taken by another program: stop that, or choose another port with --api-port");
        assert_eq!(told, expected);

        let both = free_address().unwrap().port();
        let told = require_free(&[(Service::Api, both), (Service::Ingest, both)].into()).unwrap_err().to_string();
        assert!(told.starts_with(&format!("port {both}, for api, is taken")), "{told}");
    }

    #[test]
    fn a_port_is_called_taken_only_when_it_is() {
        let told = |kind: io::ErrorKind| refusal(Service::Ingest, 80, &kind.into());
        assert!(told(io::ErrorKind::AddrInUse).contains("taken by another program"));
        assert_eq!(
            told(io::ErrorKind::PermissionDenied),
            "port 80, for ingest, may not be opened by this user: choose one from 1024 up with --ingest-port"
        );
        let other = told(io::ErrorKind::AddrNotAvailable);
        assert!(other.starts_with("port 80, for ingest, cannot be opened: ") && !other.contains("taken"), "{other}");
    }

    #[test]
    fn every_service_has_a_port_of_its_own() {
        let addresses = choose_addresses(&BTreeMap::new()).unwrap();
        let ports: std::collections::BTreeSet<u16> = addresses.values().map(SocketAddr::port).collect();
        assert_eq!((addresses.len(), ports.len()), (3, 3));
    }
}
