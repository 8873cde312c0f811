//! The routes by which operators and schedulers look at a service: `/healthz`, `/readyz`, `/metrics`.
//!
//! `/healthz` says that the process lives and asks nobody; `/readyz` and `/metrics` ask every dependency at once.

mod check;
mod docs;
mod readiness;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde_json::json;
use utoipa::openapi::HttpMethod;

use crate::http::{Endpoint, endpoint};
use crate::telemetry::Telemetry;

pub use check::Check;
use readiness::Checks;

/// Prometheus' text form.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The three routes, to be called on the server's configuration. The service is ready when every check that is not optional
/// passes and it is not stopping; an optional one that fails makes it `degraded`.
pub fn routes(checks: Vec<Check>, telemetry: Telemetry) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let checks = Data::new(Checks::new(checks));
    move |config| {
        config.app_data(checks.clone()).app_data(Data::new(telemetry.clone()));
        endpoints().into_iter().for_each(|endpoint| {
            config.service(endpoint);
        });
    }
}

/// The three routes alone, for the OpenAPI document.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint("/healthz").get(alive).documented([(HttpMethod::Get, docs::alive())]),
        endpoint("/readyz").get(readiness::show).documented([(HttpMethod::Get, docs::ready())]),
        endpoint("/metrics").get(metrics).documented([(HttpMethod::Get, docs::metrics())]),
    ]
}

async fn alive() -> impl Responder {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json!({"status": "ok"}))
}

async fn metrics(request: HttpRequest, checks: Data<Checks>, telemetry: Data<Telemetry>) -> impl Responder {
    checks.look(&request).await;
    HttpResponse::Ok().content_type(METRICS_TYPE).insert_header((CACHE_CONTROL, "no-store")).body(telemetry.render())
}
