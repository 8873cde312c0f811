//! What the handlers work with.

use std::{ops::Deref, sync::Arc};

use ::search::SearchIndex;
use domain::{ApplicationId, ApplicationToken};
use numbering::Numbering;
use problems::of_store;
use service::problem::Problem;
use store::{PooledConnection, Store, applications};

use crate::{
    Settings,
    cached::Cached,
    rooms::Rooms,
    search::{Folding, Scans},
    sightings::Sightings,
};

/// What one worker's handlers work with.
pub(crate) struct State {
    pub(crate) shared: Arc<Shared>,
    /// The worker's own connections.
    pub(crate) store: Store,
}

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) numbering: Numbering,
    pub(crate) index: SearchIndex,
    pub(crate) cached: Cached,
    pub(crate) rooms: Rooms,
    pub(crate) folding: Folding,
    pub(crate) scans: Scans,
    pub(crate) sightings: Sightings,
    pub(crate) settings: Settings,
}

impl Deref for State {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
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
