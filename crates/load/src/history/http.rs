//! Where the services are, and one client's connections to them. Nothing is sent twice that was asked for once.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use bytes::Bytes;
use hyper::{Method, Response};
use rand::{Rng, rngs::StdRng};
use url::Url;

use crate::connection::Connection;

/// Where the workload sends to: the replicas of each service, all of the same system.
#[derive(Debug, Clone)]
pub(crate) struct Targets {
    pub(crate) api: Vec<Url>,
    pub(crate) ingest: Vec<Url>,
}

/// Which service takes a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    Api,
    Ingest,
}

/// What is sent.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) service: Service,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) body: Bytes,
    /// An idempotency key.
    pub(crate) key: Option<&'a str>,
    /// How long the answer is waited for; the connection is dropped then, as an impatient client does.
    pub(crate) patience: Duration,
}

/// One client's connections: one to each replica.
pub(crate) struct Http {
    api: Vec<Connection>,
    ingest: Vec<Connection>,
}

impl Http {
    /// Connects on first use.
    pub(crate) fn to(targets: &Targets) -> anyhow::Result<Self> {
        let connect = |urls: &[Url]| urls.iter().map(|url| Ok(Connection::to(address(url)?))).collect::<anyhow::Result<Vec<_>>>();
        Ok(Self { api: connect(&targets.api)?, ingest: connect(&targets.ingest)? })
    }

    /// Sends it to any of the service's replicas.
    pub(crate) async fn send(&mut self, call: Call<'_>, random: &mut StdRng) -> anyhow::Result<Response<Bytes>> {
        let replicas = match call.service {
            Service::Api => &mut self.api,
            Service::Ingest => &mut self.ingest,
        };
        let any = random.random_range(0..replicas.len().max(1));
        let replica = replicas.get_mut(any).context("a service without replicas")?;
        let headers = call.key.map(|key| ("idempotency-key", key));
        replica.send(call.method, call.path, headers, call.body, call.patience).await
    }
}

fn address(url: &Url) -> anyhow::Result<SocketAddr> {
    url.socket_addrs(|| None)?.first().copied().with_context(|| format!("{url} has no address"))
}
