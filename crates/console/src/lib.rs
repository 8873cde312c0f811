//! The page on which operators watch the pipeline and mend it: `/console` on the api service.
//!
//! `gather` makes a snapshot of the whole system once a second while somebody watches (`watch`), however many do: of what the
//! replicas report by way of [`roster`], which `rates` and `stages` make rates of; of the queues; and of what is stored
//! (`stored`). `live` sends it as server-sent events, `pages` has the page's own files (in `page/`), and `letters` does to dead
//! letters what `chatctl dead` does. `access` says who may do what, by sessions (`session`, `cookie`) that `sign_in` opens.
//!
//! The console must never be needed by anything, cost anything while nobody watches, show what a client wrote to who is no
//! operator, or let a page of another origin do anything.

mod access;
mod cookie;
mod errors;
mod gather;
mod letters;
mod live;
mod pages;
mod rates;
mod session;
mod sign_in;
mod snapshot;
mod stages;
mod stored;
mod watch;

use actix_web::web::{Data, ServiceConfig};
use broker::Publisher;
use roster::Roster;
use sequencer::Sequencer;
use service::{AdminToken, http::endpoint};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::{access::AccessControl, gather::Gatherer, watch::Watch};

/// What the console works with.
pub struct Parts {
    /// The tables.
    pub store: Store,
    /// Asked for numbers that a letter does not name.
    pub sequencer: Sequencer,
    /// Asked for the queues' depths.
    pub publisher: Publisher,
    /// The replicas.
    pub roster: Roster,
    /// What operators must have, if anything.
    pub admin_token: Option<AdminToken>,
}

/// Shared by all requests.
pub(crate) struct Shared {
    store: Store,
    sequencer: Sequencer,
    roster: Roster,
    watch: Watch,
    asks_for_a_token: bool,
}

/// The console's routes, to be called on the server's configuration. Gathering happens on the current tokio runtime. At `closing`
/// everybody's stream ends, so that the server can.
pub fn routes(parts: Parts, closing: CancellationToken) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let Parts { store, sequencer, publisher, roster, admin_token } = parts;
    let watch = Watch::start(Gatherer::new(roster.clone(), publisher, store.clone()), closing);
    let access = AccessControl::new(admin_token);
    let shared = Data::new(Shared { store, sequencer, roster, watch, asks_for_a_token: access.asks_for_a_token() });
    let access = Data::new(access);
    move |config| {
        config
            .app_data(shared.clone())
            .app_data(access.clone())
            .service(endpoint("/console").get(pages::to_the_page))
            .service(endpoint("/console/").get(pages::page))
            .service(endpoint("/console/sign-in").get(pages::sign_in).post(sign_in::sign_in))
            .service(endpoint("/console/sign-out").post(sign_in::sign_out))
            .service(endpoint("/console/files/{name}").get(pages::file))
            .service(endpoint("/console/session").get(live::session))
            .service(endpoint("/console/snapshot").get(live::snapshot))
            .service(endpoint("/console/events").get(live::events))
            .service(endpoint("/console/counts/run").post(live::count))
            .service(endpoint("/console/letters/{id}").get(letters::show))
            .service(endpoint("/console/letters/{id}/retry").post(letters::try_again))
            .service(endpoint("/console/letters/{id}/discard").post(letters::let_go));
    }
}
