//! `/readyz`: whether requests should be sent here, and what each dependency says. Each look is noted among the metrics as well,
//! and `/metrics` takes one before it answers: so both tell the same, and Prometheus what is so now. A quarter of a second counts
//! as now.
//!
//! A service that is stopping says so at once, whatever its dependencies do: each moment that it takes, requests are sent to it.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::{Duration, Instant};

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::join_all;
use metrics::{Gauge, gauge};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::check::{Check, Finding, State};
use crate::http::Draining;

/// How old the beginning of a look may be that is told once more.
const FRESH: Duration = Duration::from_millis(250);

/// What a service needs, and where it is noted what was found of it.
pub(super) struct Checks {
    checks: Vec<(Check, Gauge)>,
    ready: Gauge,
    /// The last look.
    last: Mutex<Option<Look>>,
}

/// What one look at all dependencies has found.
#[derive(Clone)]
struct Look {
    began: Instant,
    ended: Instant,
    found: Vec<Finding>,
}

impl Checks {
    pub(super) fn new(checks: Vec<Check>) -> Self {
        let noted = |check: Check| {
            let up = gauge!("chat_dependency_up", "dependency" => check.name);
            (check, up)
        };
        Self { checks: checks.into_iter().map(noted).collect(), ready: gauge!("chat_ready"), last: Mutex::default() }
    }

    /// What each dependency says now. Whoever asks while somebody else does, or a moment later, is told the same: these routes
    /// are for everybody, and servers must not notice how often they are asked for.
    async fn find(&self) -> Vec<Finding> {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        if let Some(look) = last.as_ref().filter(|look| look.ended >= asked || look.began + FRESH > asked) {
            return look.found.clone();
        }
        let began = Instant::now();
        let found = join_all(self.checks.iter().map(|(check, _)| check.run())).await;
        *last = Some(Look { began, ended: Instant::now(), found: found.clone() });
        found
    }

    /// Looks at every dependency, unless the service is stopping.
    pub(super) async fn look(&self, request: &HttpRequest) -> Report {
        let stopping = async {
            match request.app_data::<Draining>() {
                Some(draining) => draining.0.cancelled().await,
                None => pending().await,
            }
        };
        let (found, stopping) = tokio::select! {
            biased;
            () = stopping => (Vec::new(), true),
            found = self.find() => (found, false),
        };
        let report = self.report(found, stopping);
        self.ready.set(u8::from(report.status.is_ready()));
        report
    }

    fn report(&self, found: Vec<Finding>, stopping: bool) -> Report {
        let (mut needed, mut missed) = (false, false);
        for ((check, up), finding) in self.checks.iter().zip(&found) {
            let is_down = finding.state == State::Down;
            up.set(u8::from(!is_down));
            *(if check.optional { &mut missed } else { &mut needed }) |= is_down;
        }
        let status = match (stopping, needed, missed) {
            (true, _, _) => Status::Stopping,
            (_, true, _) => Status::Unavailable,
            (_, _, true) => Status::Degraded,
            (false, false, false) => Status::Ok,
        };
        Report { status, dependencies: self.checks.iter().map(|(check, _)| check.name).zip(found).collect() }
    }
}

/// What `/readyz` shows.
#[derive(Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(super) struct Report {
    status: Status,
    dependencies: BTreeMap<&'static str, Finding>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Degraded,
    Unavailable,
    Stopping,
}

impl Status {
    fn is_ready(self) -> bool {
        matches!(self, Self::Ok | Self::Degraded)
    }
}

pub(super) async fn show(request: HttpRequest, checks: Data<Checks>) -> HttpResponse {
    let report = checks.look(&request).await;
    let mut answer = if report.status.is_ready() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.insert_header((CACHE_CONTROL, "no-store")).json(report)
}
