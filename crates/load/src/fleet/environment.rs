//! What a service's process is told: where the servers are, and by what clock it lives.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use anyhow::Context;
use devstack::{Server, Stack};
use url::Url;

use super::Proxy;

/// Where the servers are, past any link; MySQL with the services' database.
pub(super) fn urls(stack: &Stack) -> anyhow::Result<[(Server, Url); 4]> {
    let urls = stack.urls();
    Ok([
        (Server::Mysql, Url::parse(&format!("{}/chat", urls.mysql))?),
        (Server::Redis, Url::parse(&urls.redis)?),
        (Server::Rabbitmq, Url::parse(&urls.amqp)?),
        (Server::Elasticsearch, Url::parse(&urls.elasticsearch)?),
    ])
}

/// The variables by which a service finds the servers, through these links where there are any.
pub(super) fn environment(stack: &Stack, links: &BTreeMap<Server, Proxy>) -> anyhow::Result<Vec<(String, String)>> {
    let mut variables = Vec::new();
    for (server, mut url) in urls(stack)? {
        let port = links.get(&server).map(|link| link.address().port());
        if let Some(port) = port {
            url.set_port(Some(port)).map_err(|()| anyhow::anyhow!("{url} takes no port"))?;
        }
        let name = match server {
            Server::Mysql => "DATABASE_URL",
            Server::Redis => "REDIS_URL",
            Server::Rabbitmq => "AMQP_URL",
            Server::Elasticsearch => "ELASTICSEARCH_URL",
        };
        variables.push((name.to_owned(), url.to_string()));
    }
    Ok(variables)
}

/// The wall clock alone is moved: no deadline is kept by it. It is looked up each second, for each look is a look into a file.
pub(super) fn clock_environment(library: &Path, clock: &Path) -> Vec<(String, String)> {
    [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
        ("FAKETIME_CACHE_DURATION", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Where a server of this machine listens.
pub(super) fn address_of(url: &Url) -> anyhow::Result<SocketAddr> {
    let port = url.port_or_known_default().with_context(|| format!("{url} has no port"))?;
    Ok(SocketAddr::from(([127, 0, 0, 1], port)))
}
