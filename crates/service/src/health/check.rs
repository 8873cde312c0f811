//! One dependency, and how to find out whether it answers.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use utoipa::ToSchema;

/// How long a dependency may take to answer.
const DEADLINE: Duration = Duration::from_secs(1);

type Probe = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// One dependency, and how to find out whether it answers.
#[derive(Clone)]
pub struct Check {
    pub(super) name: &'static str,
    pub(super) optional: bool,
    probe: Probe,
}

impl Check {
    /// A check of the dependency `name`, which asks a copy of the service's own `handle` to it. What `probe` fails with is shown
    /// on `/readyz`: its text must hold no secret. A probe that takes longer than a second has failed.
    pub fn new<H, F, Fut, E>(name: &'static str, handle: &H, probe: F) -> Self
    where
        H: Clone + Send + Sync + 'static,
        F: Fn(H) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let handle = handle.clone();
        let probe: Probe = Arc::new(move || {
            let asked = probe(handle.clone());
            async move { asked.await.map_err(|error| error.to_string()) }.boxed()
        });
        Self { name, optional: false, probe }
    }

    /// A dependency without which most requests are still answered: its state is shown, and the service stays ready.
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    pub(super) async fn run(&self) -> Finding {
        let started = Instant::now();
        let outcome = match tokio::time::timeout(DEADLINE, (self.probe)()).await {
            Ok(outcome) => outcome,
            Err(_) => Err("no answer in time".to_owned()),
        };
        let state = if outcome.is_ok() { State::Up } else { State::Down };
        let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Finding { state, detail: outcome.err(), latency_ms }
    }
}

/// What a check found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Finding {
    pub(super) state: State,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// How long it took to find out.
    latency_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Up,
    Down,
}
