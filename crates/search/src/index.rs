//! The handle to the index: making it, and whether it serves.

use std::fmt;
use std::time::Duration;

use elasticsearch::Elasticsearch;
use elasticsearch::cluster::ClusterHealthParts;
use elasticsearch::indices::{IndicesCreateParts, IndicesExistsAliasParts, IndicesPutAliasParts, IndicesRefreshParts};
use elasticsearch::params::WaitForStatus;
use serde::Deserialize;

use crate::error::Error;
use crate::mapping;
use crate::meters::Meters;
use crate::pace::Pace;
use crate::settings::Settings;
use crate::wire::{self, Shards};

/// How long each step of making the index may take: it is done once, and slow on a server that has just started.
pub(crate) const CREATION_TIMEOUT: Duration = Duration::from_secs(15);
/// The error type of an index that is there already.
pub(crate) const ALREADY_EXISTS: &str = "resource_already_exists_exception";

/// The messages' index. A clone is the same handle.
#[derive(Clone)]
pub struct SearchIndex {
    pub(crate) client: Elasticsearch,
    pub(crate) settings: Settings,
    pub(crate) meters: Meters,
    pub(crate) pace: Pace,
    /// Of requests that wait until searches show what they write, which takes most of their time.
    pub(crate) showing_pace: Pace,
}

impl SearchIndex {
    /// A handle to the settings' server and index. Sends nothing yet, so the server need not be up.
    ///
    /// # Errors
    /// [`Error::Settings`] for a URL or an index name that cannot be used.
    pub fn connect(settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            client: settings.client()?,
            settings: settings.clone(),
            meters: Meters::new(),
            pace: Pace::new(),
            showing_pace: Pace::untimed(),
        })
    }

    /// Makes the index and its alias unless the alias exists already, whichever version it leads to, and waits until the index
    /// can be written. Safe when several processes do it at once. The index is empty: where messages are stored already, searches
    /// would take it for all there is, and [`SearchIndex::make_version`] and [`SearchIndex::lead_to`] are the way.
    ///
    /// # Errors
    /// [`Error::Unavailable`] also when the index does not become writable within 15 s; [`Error::Rejected`] when an index stands
    /// where the alias should.
    pub async fn ensure_index(&self) -> Result<(), Error> {
        if !self.alias_exists().await? {
            self.create().await?;
        }
        self.await_primaries().await
    }

    /// Whether the index can be written and searched now.
    ///
    /// # Errors
    /// [`Error::IndexMissing`] when it was never made, [`Error::Unavailable`] when it does not serve.
    pub async fn check(&self) -> Result<(), Error> {
        if !self.alias_exists().await? {
            return Err(Error::IndexMissing);
        }
        let parts = ClusterHealthParts::Index(&[&self.settings.index]);
        serving(wire::read(self.client.cluster().health(parts).send().await).await?)
    }

    /// Makes all that was indexed before show in searches at once. For tests and for the operator's comparisons: what is indexed
    /// shows by itself after the settings' `refresh_ms`.
    ///
    /// # Errors
    /// [`Error::IndexMissing`]; [`Error::Unavailable`], also when only a part of the index did it.
    pub async fn refresh(&self) -> Result<(), Error> {
        let parts = IndicesRefreshParts::Index(&[&self.settings.index]);
        let refreshed: Refreshed = wire::read(self.client.indices().refresh(parts).send().await).await?;
        refreshed.shards.all()
    }

    async fn alias_exists(&self) -> Result<bool, Error> {
        let parts = IndicesExistsAliasParts::Name(&[&self.settings.index]);
        match wire::accepted(self.client.indices().exists_alias(parts).send().await).await {
            Ok(_) => Ok(true),
            Err(Error::Rejected { status: 404, .. } | Error::IndexMissing) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn create(&self) -> Result<(), Error> {
        let name = mapping::version_name(&self.settings.index, mapping::FIRST_VERSION);
        let creation = mapping::creation(&self.settings, &self.settings.index);
        let parts = IndicesCreateParts::Index(&name);
        let sent = self.client.indices().create(parts).request_timeout(CREATION_TIMEOUT).body(creation).send().await;
        match wire::accepted(sent).await {
            Ok(_) => {
                tracing::info!(index = %name, alias = %self.settings.index, "made the search index");
                Ok(())
            }
            Err(Error::Rejected { kind, .. }) if kind == ALREADY_EXISTS => self.adopt(&name).await,
            Err(error) => Err(error),
        }
    }

    /// Another process made the index meanwhile, and its alias with it. Only an alias that was taken off by hand must be put
    /// back.
    async fn adopt(&self, name: &str) -> Result<(), Error> {
        if self.alias_exists().await? {
            return Ok(());
        }
        let parts = IndicesPutAliasParts::IndexName(&[name], &self.settings.index);
        wire::accepted(self.client.indices().put_alias(parts).request_timeout(CREATION_TIMEOUT).send().await).await.map(drop)
    }

    pub(crate) async fn await_primaries(&self) -> Result<(), Error> {
        let sent = self
            .client
            .cluster()
            .health(ClusterHealthParts::Index(&[&self.settings.index]))
            .wait_for_status(WaitForStatus::Yellow)
            .timeout(&format!("{}s", CREATION_TIMEOUT.as_secs()))
            .request_timeout(CREATION_TIMEOUT)
            .send()
            .await;
        serving(wire::read(sent).await?)
    }
}

impl fmt::Debug for SearchIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SearchIndex").field(&self.settings).finish()
    }
}

#[derive(Deserialize)]
struct Refreshed {
    #[serde(rename = "_shards")]
    shards: Shards,
}

#[derive(Deserialize)]
struct Health {
    status: String,
}

/// Yellow, the lack of copies, is the normal state of a single server; red means that a primary shard is missing.
fn serving(health: Health) -> Result<(), Error> {
    match health.status.as_str() {
        "green" | "yellow" => Ok(()),
        status => Err(Error::Unavailable(format!("the index is {status}"))),
    }
}
