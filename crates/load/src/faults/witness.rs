//! The history checker beside the run's own clients: it makes more kinds of calls than they do (batches, keys and retries,
//! updates, reads, searches), and in the end holds all that was answered against MySQL, the index and the api.
//!
//! What it may forgive beyond what it sees by itself is told here: when Redis forgot idempotency keys, as faults that do that
//! say, and when the clocks were wrong by which it places the epochs of the numbering.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use localsystem::Service;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::fault::{Fault, Forgets};
use crate::{
    fleet::Fleet,
    history::{
        check::{Stores, check},
        record::History,
        report::Report,
        workload::{self, Targets},
    },
};

/// Redis writes its append-only file while it works: killed, it may have answered what is not written yet, see `appendfsync` and
/// `no-appendfsync-on-rewrite` in <https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/>.
const UNWRITTEN: Duration = Duration::from_secs(2);

/// For so long an epoch may be under way that was dated before the clocks were right again.
const OPENED_WITHIN: Duration = Duration::from_secs(6);

/// How much its clients do, beside the others: enough for each kind of call to meet each fault.
const LOAD: workload::Options =
    workload::Options { clients: 8, applications: 2, chats: 8, most_chats: 60, pause: Duration::from_millis(60), seed: 0 };

/// Clients at work. Dropping it ends them.
pub(crate) struct Witness {
    work: JoinSet<anyhow::Result<History>>,
    stop: CancellationToken,
    lost: Vec<(Instant, Instant)>,
    wrong: Vec<(Instant, Instant)>,
    stores: Stores,
}

impl Witness {
    /// Starts the clients.
    pub(crate) fn start(fleet: &Fleet, seed: u64) -> anyhow::Result<Self> {
        let targets = Targets { api: urls(&fleet.addresses(Service::Api))?, ingest: urls(&fleet.addresses(Service::Ingest))? };
        let stores = Stores::on_stack(fleet.stack().urls(), targets.api.first().context("no api")?.clone())?;
        let (stop, mut work) = (CancellationToken::new(), JoinSet::new());
        let until = stop.clone();
        work.spawn(async move { workload::run(&targets, &workload::Options { seed, ..LOAD }, until).await });
        Ok(Self { work, stop, lost: Vec::new(), wrong: Vec::new(), stores })
    }

    /// A fault was injected and healed between these moments.
    pub(crate) fn happened(&mut self, fault: Fault, moments: Moments) {
        let Moments { begun, injected, healing, healed } = moments;
        if matches!(fault, Fault::Clock(_)) {
            self.wrong.push((begun, healed + OPENED_WITHIN));
        }
        match fault.forgets() {
            Forgets::Nothing => {}
            Forgets::WhenInjected => self.lost.push((begun.checked_sub(UNWRITTEN).unwrap_or(begun), injected)),
            Forgets::WhileItLasts => self.lost.extend([(begun, healed), (healing, healed)]),
        }
    }

    /// Ends the clients, waits until all is at rest, and checks.
    ///
    /// # Errors
    /// When something cannot be asked. What is wrong is part of the report.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Report> {
        self.stop.cancel();
        let mut history = self.work.join_next().await.context("nothing was begun")???;
        for (from, until) in self.lost {
            history.keys_lost(from.into_std(), until.into_std());
        }
        for (from, until) in self.wrong {
            history.clocks_wrong(from.into_std(), until.into_std());
        }
        check(&history, &self.stores).await
    }
}

/// When a fault was there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    pub(crate) begun: Instant,
    pub(crate) injected: Instant,
    pub(crate) healing: Instant,
    pub(crate) healed: Instant,
}

fn urls(addresses: &[SocketAddr]) -> anyhow::Result<Vec<Url>> {
    addresses.iter().map(|address| Ok(Url::parse(&format!("http://{address}"))?)).collect()
}
