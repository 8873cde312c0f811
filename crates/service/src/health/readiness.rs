//! `/readyz`: whether requests should be sent here, and what each dependency says.

use std::collections::BTreeMap;
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
    let found = join_all(checks.iter().map(Check::run)).await;
    let stopping = request.app_data::<Draining>().is_some_and(|draining| draining.0.is_cancelled());
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
