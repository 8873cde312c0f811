//! Puts a snapshot together, of what the replicas report, RabbitMQ and MySQL: all at once, each within its time. What does not
//! answer leaves its part empty and is named.

use std::time::Duration;

use broker::{Depth, Publisher};
use domain::Timestamp;
use roster::{Alive, CountOutcome, Roster, Seen};
use store::Store;
use tokio::time::timeout;

use crate::{
    rates::History,
    snapshot::{CountRun, Counts, Gaps, Missing, Queue, Replica, Snapshot},
    stages::{self, of_service},
    stored::{self, Stored},
};

/// For so long the slowest part may keep a snapshot waiting.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Whom it asks, and what it remembers.
pub(crate) struct Gatherer {
    pub(crate) roster: Roster,
    pub(crate) publisher: Publisher,
    pub(crate) store: Store,
    history: History,
}

impl Gatherer {
    pub(crate) fn new(roster: Roster, publisher: Publisher, store: Store) -> Self {
        Self { roster, publisher, store, history: History::default() }
    }

    /// Nobody has watched since: what is remembered is too old to be compared with.
    pub(crate) fn forget(&mut self) {
        self.history = History::default();
    }

    /// The system now.
    pub(crate) async fn snapshot(&mut self) -> Snapshot {
        let (seen, depths, stored) = tokio::join!(
            self.roster.look(),
            timeout(ANSWER_WITHIN, self.publisher.depths()),
            timeout(ANSWER_WITHIN, stored::ask(&self.store))
        );
        let mut missing = Vec::new();
        let seen = told("redis", seen, &mut missing);
        let depths = told("rabbitmq", in_time(depths), &mut missing);
        let stored = told("mysql", in_time(stored), &mut missing);
        self.assemble(seen.unwrap_or_default(), depths.unwrap_or_default(), stored, missing)
    }

    fn assemble(&mut self, seen: Seen, depths: Vec<Depth>, stored: Option<Stored>, missing: Vec<Missing>) -> Snapshot {
        let replicas = seen.replicas;
        self.history.add(&replicas);
        let partitions = stored.as_ref().map_or(&[][..], |stored| &stored.partitions);
        let mut snapshot = Snapshot {
            at: Some(Timestamp::now()),
            missing,
            stages: stages::of(&replicas, &self.history),
            queues: depths.iter().map(|depth| queue(depth, &replicas, partitions)).collect(),
            gaps: self.gaps(&replicas),
            counts: counts(&replicas, seen.count_is_wanted),
            replicas: self.alive(&replicas),
            ..Snapshot::default()
        };
        if let Some(stored) = stored {
            snapshot.outbox = Some(stored.outbox);
            snapshot.letters = stored.letters;
            snapshot.epochs = stored.epochs;
        }
        snapshot
    }

    fn gaps(&self, replicas: &[Alive]) -> Gaps {
        const GAPS: &str = "chat_number_gaps_total";
        let recent = self.history.recent(of_service(replicas, "ingest").map(|alive| alive.status.instance.as_str()));
        Gaps { since_start: stages::sum(replicas, "ingest", GAPS), per_min: recent.map(|recent| recent.rising(GAPS) * 60.0) }
    }

    fn alive(&self, replicas: &[Alive]) -> Vec<Replica> {
        let mut alive: Vec<Replica> = replicas
            .iter()
            .map(|replica| Replica {
                service: replica.status.service.clone(),
                place: replica.status.place.clone(),
                instance: replica.status.instance.clone(),
                version: replica.status.version.clone(),
                started_at: replica.status.started_at,
                silent: replica.silent_for.as_secs_f64(),
                per_s: stages::work_of(replica, &self.history),
            })
            .collect();
        alive.sort_by(|one, other| {
            (&one.service, &one.place, &one.instance).cmp(&(&other.service, &other.place, &other.instance))
        });
        alive
    }
}

fn in_time<T, E: std::fmt::Display>(outcome: Result<Result<T, E>, tokio::time::error::Elapsed>) -> Result<T, String> {
    outcome.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())
}

fn told<T, E: std::fmt::Display>(part: &'static str, outcome: Result<T, E>, missing: &mut Vec<Missing>) -> Option<T> {
    outcome.map_err(|error| missing.push(Missing { part, why: error.to_string() })).ok()
}

fn queue(depth: &Depth, replicas: &[Alive], epochs: &[(u16, u64)]) -> Queue {
    let partition = depth.partition.get();
    // What a replica says is as old as its report.
    let ago = |alive: &Alive| {
        let taken = alive.status.own.taken.iter().find(|taken| taken.partition == partition)?;
        Some(alive.silent_for + Duration::from_millis(taken.ago_ms))
    };
    let last = replicas.iter().filter_map(|alive| Some((ago(alive)?, alive))).min_by_key(|(ago, _)| *ago);
    Queue {
        partition,
        messages: depth.messages,
        is_consumed: depth.is_consumed,
        holder: last.map(|(_, alive)| alive.status.place.clone()),
        taken_ago: last.map(|(ago, _)| ago.as_secs_f64()),
        epoch: epochs.iter().find(|(of, _)| *of == partition).map(|(_, epoch)| *epoch),
    }
}

fn counts(replicas: &[Alive], is_wanted: bool) -> Counts {
    // One that found another at it tells nothing of the counts.
    let runs = replicas.iter().filter_map(|alive| Some((alive, alive.status.own.counted.as_ref()?)));
    let last = runs.filter(|(_, run)| run.outcome != CountOutcome::Elsewhere).max_by_key(|(_, run)| run.at);
    Counts {
        last: last.map(|(alive, run)| CountRun {
            at: run.at,
            took: run.took_ms as f64 / 1000.0,
            place: alive.status.place.clone(),
            marks: match run.outcome {
                CountOutcome::Marks(marks) => Some(marks),
                CountOutcome::Elsewhere | CountOutcome::Failed => None,
            },
        }),
        is_wanted,
        every: replicas.iter().find_map(|alive| alive.status.own.counts_every_s),
    }
}
