//! What the handlers work with.

use ::search::SearchIndex;
use domain::{ApplicationId, ApplicationToken};
use numbering::Numbering;
use problems::of_store;
use service::problem::Problem;
use store::{PooledConnection, Store, applications};

use crate::{
    Settings,
    cached::Cached,
    search::{Folding, Scans},
    sightings::Sightings,
};

/// Shared by all workers.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) numbering: Numbering,
    pub(crate) index: SearchIndex,
    pub(crate) cached: Cached,
    pub(crate) folding: Folding,
    pub(crate) scans: Scans,
    pub(crate) sightings: Sightings,
    pub(crate) settings: Settings,
}

impl State {
    pub(crate) async fn connection(&self) -> Result<PooledConnection, Problem> {
        self.store.acquire().await.map_err(of_store)
    }

    /// The application that a token names, or 404.
    pub(crate) async fn application(&self, token: ApplicationToken) -> Result<ApplicationId, Problem> {
        let found = applications::id_of(&mut *self.connection().await?, token).await.map_err(of_store)?;
        found.ok_or_else(Problem::application_not_found)
    }
}
