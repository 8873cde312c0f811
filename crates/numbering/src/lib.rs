//! The protocol that keeps numbers unique, joining Redis, RabbitMQ and MySQL.
//!
//! Redis gives the numbers, because nothing else is fast enough, and Redis may lose everything at any moment. So its counters
//! are never trusted further than the *epoch* in which they were made:
//!
//! - `keeper` adopts the epoch that Redis' record names, and opens the next one when there is none to trust (`opening`);
//! - `seeding` sets a missing counter from MySQL, behind a *fence* in the queue, so that nothing accepted earlier is overlooked;
//!   `flights` has it done once for all that wait for it;
//! - `create` takes a number, publishes the create and answers after the broker's confirm;
//! - `once` keeps a create that is sent again with its idempotency key from being done again, and `marks` notes what is
//!   confirmed;
//! - [`restored`] is for operators who have put MySQL back to an older state;
//! - `presence` tells a reader whether a number that is not stored may still come, `proofs` up to when everything is stored.
//!
//! Why numbers cannot repeat is argued in `docs/ARCHITECTURE.md` and `docs/adr/0001-epochs-and-fences.md`. The crate must never
//! know of HTTP, and must never give a number whose epoch it has not checked in the same call.

mod create;
mod error;
mod flights;
mod highest;
mod keeper;
mod marks;
mod meters;
mod once;
mod opening;
mod presence;
mod proofs;
pub mod restored;
mod seeding;
mod servers;

use std::sync::Arc;

use broker::Publisher;
use domain::{ApplicationId, ApplicationToken};
use events::PartitionCount;
use sequencer::{Adopted, Coalescer, Sequencer};
use store::Store;
use tokio_util::sync::CancellationToken;

pub use create::{Accepted, MAX_BATCH, NewChat, NewMessage, NewMessages};
pub use error::{Dependency, Error};
use flights::Flights;
use highest::Highest;
use keeper::Keeper;
use marks::Marks;
pub use presence::SETTLING_TIME;
use proofs::Proofs;

/// What a process does with numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It gives them: it opens an epoch whenever there is none to trust.
    Writer,
    /// It only asks which were given: it opens no epoch while others may give numbers at another Redis.
    Reader,
}

/// The numbering as a service uses it. Clones share one state.
#[derive(Clone)]
pub struct Numbering {
    sequencer: Sequencer,
    coalescer: Coalescer,
    publisher: Publisher,
    store: Store,
    partitions: PartitionCount,
    keeper: Keeper,
    marks: Marks,
    proofs: Proofs,
    flights: Flights,
    highest: Arc<Highest>,
}

impl Numbering {
    /// Starts to keep an epoch adopted, on the current runtime, until `shutdown`. Needs none of the servers to be up.
    pub fn start(
        role: Role,
        sequencer: Sequencer,
        publisher: Publisher,
        store: Store,
        partitions: PartitionCount,
        shutdown: CancellationToken,
    ) -> Self {
        meters::register();
        let keeper = Keeper::start(role, sequencer.clone(), publisher.clone(), store.clone(), shutdown.clone());
        let marks = Marks::start(sequencer.clone(), shutdown);
        let (coalescer, proofs) = (Coalescer::new(sequencer.clone()), Proofs::new(partitions));
        let (flights, highest) = (Flights::new(), Arc::default());
        Self { sequencer, coalescer, publisher, store, partitions, keeper, marks, proofs, flights, highest }
    }

    /// Whether numbers can be given now: an epoch is adopted.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with the dependency that keeps it from being so.
    pub async fn check(&self) -> Result<(), Error> {
        self.keeper.adopted().await.map(drop)
    }

    /// The epoch in which the creation of an application begins; hand it to [`Numbering::application_created`]. `None` when
    /// there is no epoch now, which keeps no application from being created.
    pub fn begin(&self) -> Option<Arc<Adopted>> {
        self.keeper.current()
    }

    /// Lets a new application's first chat do without a fence, if the epoch is still the one in which its creation began. An
    /// application that is passed over here is seeded behind a fence when its first chat comes.
    pub async fn application_created(&self, begun: Option<Arc<Adopted>>, token: ApplicationToken, id: ApplicationId) {
        let Some(adopted) = begun else { return };
        if let Err(error) = self.sequencer.seed_application(&adopted, token, id, 0).await {
            tracing::debug!(application = id.get(), %error, "new application left to be seeded by its first chat");
        }
    }
}
