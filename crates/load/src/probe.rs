//! Requests of every kind, one after the other, while something happens to the system: which were answered, how, and how late.

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::time::sleep;

use crate::connection::Connection;

/// Often enough to tell tenths of a second, too seldom to be a load.
const PAUSE: Duration = Duration::from_millis(100);

/// A kind of request that is right again and again.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    /// The body of a create; without one it is a read.
    pub(crate) body: Option<&'static str>,
}

/// One request.
struct Probe {
    begun: Instant,
    ended: Instant,
    right: bool,
}

/// What became of all requests of a kind.
pub(crate) struct Probes {
    name: &'static str,
    probes: Vec<Probe>,
}

/// Sends requests of a kind until `until`.
pub(crate) async fn probe(kind: Kind, until: Instant) -> Probes {
    let mut connection = Connection::to(kind.address);
    let mut probes = Vec::new();
    while Instant::now() < until {
        let begun = Instant::now();
        let answer = match kind.body {
            Some(body) => connection.post(&kind.path, Bytes::from_static(body.as_bytes())).await,
            None => connection.get(&kind.path).await,
        };
        let right = answer.is_ok_and(|(status, _)| status.is_success());
        probes.push(Probe { begun, ended: Instant::now(), right });
        sleep(PAUSE).await;
    }
    Probes { name: kind.name, probes }
}

impl Probes {
    /// What happened from the moment of the fault on, and how soon all was right after the server's return.
    pub(crate) fn report(&self, fault: Instant, back: Instant) -> Report {
        let after = self.probes.iter().filter(|probe| probe.ended >= fault);
        let wrong = || after.clone().filter(|probe| !probe.right);
        let recovered =
            wrong().map(|probe| probe.ended).max().map_or(Duration::ZERO, |last| last.saturating_duration_since(back));
        Report {
            name: self.name,
            right: after.clone().filter(|probe| probe.right && probe.begun < back).count(),
            refused: wrong().count(),
            slowest: after.clone().map(|probe| probe.ended - probe.begun).max().unwrap_or_default(),
            recovered,
        }
    }
}

/// See [`Probes::report`].
pub(crate) struct Report {
    name: &'static str,
    right: usize,
    refused: usize,
    slowest: Duration,
    recovered: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { name, right, refused, slowest, recovered } = self;
        let (slowest, recovered) = (slowest.as_secs_f64(), recovered.as_secs_f64());
        write!(f, "{name} | {right} | {refused} | {slowest:.2} | {recovered:.2}")
    }
}
