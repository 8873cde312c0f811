//! What this process says of itself to operators: that it is alive, which partitions it works off, and what its count job did
//! last.

use std::{net::SocketAddr, time::Duration};

use roster::{Own, Reporter, Roster};
use service::telemetry::Telemetry;
use tokio_util::sync::CancellationToken;

use crate::{counts::Job, taking::Taking};

/// Reports until `stop`. Wishes to count go to the job.
pub(crate) fn start(
    roster: Roster,
    telemetry: Telemetry,
    address: SocketAddr,
    taking: Taking,
    job: &Job,
    every: Duration,
    stop: CancellationToken,
) {
    let (wanted, last) = (job.wanted(), job.clone());
    let own = move || Own { taken: taking.taken(), counted: last.last(), counts_every_s: Some(every.as_secs()) };
    Reporter::new(roster, telemetry, "consumer", address).start_of_consumer(own, wanted, stop);
}
