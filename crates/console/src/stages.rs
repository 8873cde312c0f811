//! The way of a create and of a read, step by step: which figures of which service tell of each.

use std::collections::BTreeMap;

use roster::Alive;

use crate::{
    rates::{History, Recent},
    snapshot::Stage,
};

const REQUESTS: &str = "http_request_duration_seconds";

/// Where a step's figures are.
struct Step {
    key: &'static str,
    service: &'static str,
    /// What is counted.
    counted: Counted,
    /// The histogram of its times.
    times: &'static str,
    /// The counter of its failures.
    failures: Option<&'static str>,
    /// The histogram of how many go together.
    together: Option<&'static str>,
    /// The gauge of what waits.
    waiting: Option<&'static str>,
}

enum Counted {
    /// By a counter.
    By(&'static str),
    /// As often as something was timed.
    Times,
    /// By the sum of what went together.
    Together,
}

const STEPS: [Step; 7] = [
    Step {
        key: "accept",
        service: "ingest",
        counted: Counted::Times,
        times: REQUESTS,
        failures: Some("http_requests_failed"),
        together: None,
        waiting: None,
    },
    Step {
        key: "publish",
        service: "ingest",
        counted: Counted::Together,
        times: "chat_publish_seconds",
        failures: Some("chat_publishes_returned_total"),
        together: Some("chat_publish_items"),
        waiting: Some("chat_publish_queue_items"),
    },
    Step {
        key: "store",
        service: "consumer",
        counted: Counted::By("chat_items_stored_total"),
        times: "chat_persist_seconds",
        failures: Some("chat_persist_failures_total"),
        together: Some("chat_batch_items"),
        waiting: None,
    },
    Step {
        key: "index",
        service: "consumer",
        counted: Counted::By("chat_indexed_total"),
        times: "chat_index_seconds",
        failures: Some("chat_index_failures_total"),
        together: None,
        waiting: None,
    },
    // From the commit until the index has it.
    Step {
        key: "findable",
        service: "consumer",
        counted: Counted::Times,
        times: "chat_index_lag_seconds",
        failures: Some("chat_index_rejected_total"),
        together: None,
        waiting: None,
    },
    Step {
        key: "read",
        service: "api",
        counted: Counted::Times,
        times: REQUESTS,
        failures: Some("http_requests_failed"),
        together: None,
        waiting: None,
    },
    Step {
        key: "search",
        service: "api",
        counted: Counted::Times,
        times: "chat_search_seconds",
        failures: None,
        together: None,
        waiting: None,
    },
];

/// Every step, as the replicas' reports tell of it.
pub(crate) fn of(replicas: &[Alive], history: &History) -> Vec<Stage> {
    let recent: BTreeMap<&str, Option<Recent>> = ["ingest", "consumer", "api"]
        .map(|service| (service, history.recent(of_service(replicas, service).map(|alive| alive.status.instance.as_str()))))
        .into();
    STEPS.iter().map(|step| step.stage(replicas, recent.get(step.service).and_then(Option::as_ref))).collect()
}

/// The requests of a replica in a second, or of a consumer the items that it stored.
pub(crate) fn work_of(alive: &Alive, history: &History) -> Option<f64> {
    let recent = history.recent(std::iter::once(alive.status.instance.as_str()))?;
    Some(match alive.status.service.as_str() {
        "consumer" => recent.rising("chat_items_stored_total"),
        _ => recent.taken_up(REQUESTS).map_or(0.0, |requests| requests.per_s),
    })
}

pub(crate) fn of_service<'a>(replicas: &'a [Alive], service: &'a str) -> impl Iterator<Item = &'a Alive> {
    replicas.iter().filter(move |alive| alive.status.service == service)
}

/// A figure of all of a service's replicas together; `None` as long as none has told its figures.
pub(crate) fn sum(replicas: &[Alive], service: &str, name: &str) -> Option<f64> {
    let told = of_service(replicas, service).filter_map(|alive| alive.status.figures.as_ref());
    told.map(|figures| figures.value(name)).reduce(|sum, value| sum + value)
}

impl Step {
    fn stage(&self, replicas: &[Alive], recent: Option<&Recent>) -> Stage {
        let times = recent.and_then(|recent| recent.taken_up(self.times));
        let together = recent.zip(self.together).and_then(|(recent, name)| recent.taken_up(name));
        let per_s = recent.map(|recent| match self.counted {
            Counted::By(counter) => recent.rising(counter),
            Counted::Times => times.map_or(0.0, |times| times.per_s),
            Counted::Together => together.map_or(0.0, |together| together.sum_per_s),
        });
        Stage {
            key: self.key,
            per_s,
            failed_per_s: recent.zip(self.failures).map(|(recent, name)| recent.rising(name)),
            p50: times.map(|times| times.quantile(0.5)),
            p99: times.map(|times| times.quantile(0.99)),
            together: together.map(|together| together.mean()),
            waiting: self.waiting.and_then(|name| sum(replicas, self.service, name)),
        }
    }
}
