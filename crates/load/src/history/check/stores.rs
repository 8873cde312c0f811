//! Where what was acknowledged must be found: the tables, the index and the api of the system under check.

use devstack::Urls;
use search::SearchIndex;
use store::Store;
use url::Url;

/// What the services call their index unless told otherwise.
pub(crate) const INDEX: &str = "chat-messages";
/// Longer than for the services: the check reads whole chats, of servers that may have much else to do.
const PATIENCE_MS: u64 = 30_000;

pub(crate) struct Stores {
    pub(crate) mysql: Store,
    pub(crate) elasticsearch: SearchIndex,
    pub(crate) api: Url,
}

impl Stores {
    /// Those of a system that runs on a stack of this machine.
    pub(crate) fn on_stack(urls: &Urls, api: Url) -> anyhow::Result<Self> {
        Self::connect(&format!("{}/chat", urls.mysql), &urls.elasticsearch, INDEX, api)
    }

    /// Connects on first use, with the check's patience.
    pub(crate) fn connect(mysql: &str, elasticsearch: &str, index: &str, api: Url) -> anyhow::Result<Self> {
        let mysql = Store::connect(&store::Settings {
            connect_timeout_ms: PATIENCE_MS,
            acquire_timeout_ms: PATIENCE_MS,
            statement_timeout_ms: PATIENCE_MS,
            ..store::Settings::new(mysql)
        })?;
        let elasticsearch = SearchIndex::connect(&search::Settings {
            url: elasticsearch.to_owned(),
            index: index.to_owned(),
            timeout_ms: PATIENCE_MS,
            shards: 1,
            replicas: 0,
            refresh_ms: 500,
            tls: Default::default(),
        })?;
        Ok(Self { mysql, elasticsearch, api })
    }
}
