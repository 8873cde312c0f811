//! The routes by which operators and schedulers look at a service: `/healthz`, `/readyz`, `/metrics`.
//!
//! `/healthz` says that the process lives and asks nobody; `/readyz` asks every dependency at once.

mod check;
mod readiness;

use std::sync::Arc;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use serde_json::json;

use crate::http::endpoint;
use crate::telemetry::Telemetry;

pub use check::Check;
use readiness::Checks;

/// Prometheus' text form.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The three routes, to be called on the server's configuration. The service is ready when every check that is not optional
/// passes and it is not stopping; an optional one that fails makes it `degraded`.
pub fn routes(checks: Vec<Check>, telemetry: Telemetry) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let checks: Checks = Arc::from(checks);
    move |config| {
        config
            .app_data(Data::new(Checks::clone(&checks)))
            .app_data(Data::new(telemetry.clone()))
            .service(endpoint("/healthz").get(alive))
            .service(endpoint("/readyz").get(readiness::show))
            .service(endpoint("/metrics").get(metrics));
    }
}

async fn alive() -> impl Responder {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json!({"status": "ok"}))
}

async fn metrics(telemetry: Data<Telemetry>) -> impl Responder {
    HttpResponse::Ok().content_type(METRICS_TYPE).insert_header((CACHE_CONTROL, "no-store")).body(telemetry.render())
}
