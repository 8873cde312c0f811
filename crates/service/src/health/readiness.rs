//! `/readyz`: whether requests should be sent here, and what each dependency says.
//!
//! A service that is stopping says so at once, whatever its dependencies do: each moment that it takes, requests are sent to it.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::join_all;
use serde::Serialize;
use utoipa::ToSchema;

use super::check::{Check, Finding, State};
use crate::http::Draining;

pub(super) type Checks = Arc<[Check]>;

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

pub(super) async fn show(request: HttpRequest, checks: Data<Checks>) -> HttpResponse {
    let stopping = async {
        match request.app_data::<Draining>() {
            Some(draining) => draining.0.cancelled().await,
            None => pending().await,
        }
    };
    let (found, stopping) = tokio::select! {
        biased;
        () = stopping => (Vec::new(), true),
        found = join_all(checks.iter().map(Check::run)) => (found, false),
    };
    let down =
        |optional| checks.iter().zip(&found).any(|(check, finding)| check.optional == optional && finding.state == State::Down);
    let status = match (stopping, down(false), down(true)) {
        (true, _, _) => Status::Stopping,
        (_, true, _) => Status::Unavailable,
        (_, _, true) => Status::Degraded,
        (false, false, false) => Status::Ok,
    };
    let dependencies = checks.iter().map(|check| check.name).zip(found).collect();
    let mut answer = match status {
        Status::Ok | Status::Degraded => HttpResponse::Ok(),
        Status::Unavailable | Status::Stopping => HttpResponse::ServiceUnavailable(),
    };
    answer.insert_header((CACHE_CONTROL, "no-store")).json(Report { status, dependencies })
}
