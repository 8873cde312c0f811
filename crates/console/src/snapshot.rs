//! What a page is shown, as it is sent: names are for the page's scripts, times in seconds where a name does not say otherwise.
//! It holds nothing that a client wrote.

use domain::Timestamp;
use serde::Serialize;

/// The system at one moment.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Snapshot {
    /// When it was gathered; `None` in none that is sent.
    pub(crate) at: Option<Timestamp>,
    /// What could not be asked: its parts are empty.
    pub(crate) missing: Vec<Missing>,
    /// The way of a create, and what clients read, step by step.
    pub(crate) stages: Vec<Stage>,
    /// The queues, by their partitions.
    pub(crate) queues: Vec<Queue>,
    /// What the index has not seen yet.
    pub(crate) outbox: Option<Outbox>,
    /// Numbers that were given and are nobody's.
    pub(crate) gaps: Gaps,
    /// The last epochs, the latest first.
    pub(crate) epochs: Vec<Epoch>,
    /// What could not be stored.
    pub(crate) letters: Letters,
    /// The count job.
    pub(crate) counts: Counts,
    /// The replicas that are alive, by service and place.
    pub(crate) replicas: Vec<Replica>,
}

/// A server that did not answer.
#[derive(Debug, Serialize)]
pub(crate) struct Missing {
    /// `redis`, `rabbitmq` or `mysql`.
    pub(crate) part: &'static str,
    /// Why.
    pub(crate) why: String,
}

/// A step, over all of its replicas and the last ten seconds. What is `None` was not measured: nothing happened, or nothing has
/// reported twice.
#[derive(Debug, Serialize)]
pub(crate) struct Stage {
    pub(crate) key: &'static str,
    /// What is counted, in a second.
    pub(crate) per_s: Option<f64>,
    pub(crate) failed_per_s: Option<f64>,
    /// How long half of them took at most, and ninety-nine in a hundred.
    pub(crate) p50: Option<f64>,
    pub(crate) p99: Option<f64>,
    /// How many went together, on the average.
    pub(crate) together: Option<f64>,
    /// How many wait to be worked on.
    pub(crate) waiting: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Queue {
    pub(crate) partition: u16,
    /// Messages that wait.
    pub(crate) messages: u32,
    /// Whether a consumer works it off.
    pub(crate) is_consumed: bool,
    /// Which replica last took a message of it, if that is alive, and how long ago.
    pub(crate) holder: Option<String>,
    pub(crate) taken_ago: Option<f64>,
    /// The highest epoch that it has shown.
    pub(crate) epoch: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Outbox {
    /// Entries; counted no further than `most`.
    pub(crate) rows: u64,
    pub(crate) most: u64,
    /// How old the oldest is.
    pub(crate) oldest: Option<f64>,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Gaps {
    /// Since the replicas that are alive were started.
    pub(crate) since_start: Option<f64>,
    pub(crate) per_min: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Epoch {
    pub(crate) number: u64,
    pub(crate) reason: String,
    pub(crate) opened_at: Timestamp,
    pub(crate) is_closed: bool,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Letters {
    /// How many of each reason nobody has dealt with; counted no further than `most`.
    pub(crate) unresolved: Vec<(&'static str, u64)>,
    pub(crate) most: u64,
    /// The first of them.
    pub(crate) list: Vec<Letter>,
    /// Whether there are more.
    pub(crate) are_more: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Letter {
    pub(crate) id: u64,
    pub(crate) reason: &'static str,
    pub(crate) detail: String,
    pub(crate) application: Option<u64>,
    pub(crate) chat: Option<u64>,
    pub(crate) message: Option<u64>,
    pub(crate) event: Option<String>,
    pub(crate) bytes: u64,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Counts {
    /// The last run that any consumer knows of.
    pub(crate) last: Option<CountRun>,
    /// Whether somebody has asked for a run, and no consumer has taken that up yet.
    pub(crate) is_wanted: bool,
    /// How often it runs.
    pub(crate) every: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CountRun {
    pub(crate) at: Timestamp,
    pub(crate) took: f64,
    /// Which replica ran it.
    pub(crate) place: String,
    /// How many counts were brought up to date; `None` when it failed.
    pub(crate) marks: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Replica {
    pub(crate) service: String,
    pub(crate) place: String,
    pub(crate) instance: String,
    pub(crate) version: String,
    pub(crate) started_at: Timestamp,
    /// How long ago it reported.
    pub(crate) silent: f64,
    /// Its requests in a second, or a consumer's items.
    pub(crate) per_s: Option<f64>,
}
