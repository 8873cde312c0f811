//! A second Redis, which has nothing to do until the first fails over to it.

use std::{net::SocketAddr, path::Path};

use devstack::{DataDir, Progress, Server, Stack, StackOptions};
use url::Url;

use super::{Proxy, address_of, sentence};

/// See the module.
pub(crate) struct Standby {
    stack: Stack,
    /// What comes from the primary, when it follows that, comes over this.
    pub(crate) replication: Proxy,
    address: SocketAddr,
    primary: SocketAddr,
}

impl Standby {
    /// Starts it beside the Redis of this address.
    pub(super) async fn start(primary: &str, place: &Path, progress: &dyn Progress) -> anyhow::Result<Self> {
        let data = DataDir::Path(place.join("standby"));
        let stack = Stack::up(StackOptions { data, ..StackOptions::only([Server::Redis]) }, progress).await.map_err(sentence)?;
        let address = address_of(&Url::parse(&stack.urls().redis)?)?;
        let primary = address_of(&Url::parse(primary)?)?;
        Ok(Self { stack, replication: Proxy::start(vec![primary]).await?, address, primary })
    }

    pub(crate) fn stack(&self) -> &Stack {
        &self.stack
    }

    pub(crate) fn url(&self) -> &str {
        &self.stack.urls().redis
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the Redis that it stands by for.
    pub(crate) fn primary(&self) -> SocketAddr {
        self.primary
    }

    pub(super) async fn down(self) -> anyhow::Result<()> {
        let data = self.stack.data_dir(Server::Redis);
        self.stack.kill(Server::Redis).await.map_err(sentence)?;
        super::empty(&data);
        self.stack.down().await.map_err(sentence)
    }
}
