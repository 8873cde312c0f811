//! Measures answers: `http_request_duration_seconds` by method, route and status.
//!
//! The route is the pattern that matched, never the path: a path holds tokens, and would make series without bound.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use metrics::{Histogram, histogram};

/// The histograms that one worker has used, by route; looking them up here spares each request the making of labels.
#[derive(Default)]
pub(super) struct Latencies(RefCell<HashMap<String, Vec<Series>>>);

struct Series {
    method: &'static str,
    status: StatusCode,
    histogram: Histogram,
}

impl Latencies {
    pub(super) fn record(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let method = method_label(method);
        let mut routes = self.0.borrow_mut();
        let found = routes
            .get(route)
            .and_then(|of_route| of_route.iter().find(|series| series.status == status && series.method == method));
        if let Some(series) = found {
            return series.histogram.record(took);
        }
        let histogram = histogram!("http_request_duration_seconds",
            "method" => method, "route" => route.to_owned(), "status" => status.as_str().to_owned());
        histogram.record(took);
        routes.entry(route.to_owned()).or_default().push(Series { method, status, histogram });
    }
}

/// A client may invent methods; they share one label.
pub(super) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
