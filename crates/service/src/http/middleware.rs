//! What surrounds every request: its id, the problem in which an error is told, security headers, metrics, the access log.
//!
//! It stands on the hot path, so each worker keeps what it needs at hand. It must never log a path, a query or a header.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use trace::{Context, Span, Tracer};

use super::in_flight::Requests;
use super::latencies::{Latencies, method_label};
use super::request_id::{HEADER, RequestId, RequestIds};
use super::security;
use super::traced;
use super::unknown_parameters;
use super::unread::ChunkedBody;
use crate::problem::Problem;

/// The label of a request that no route took.
const UNMATCHED: &str = "unmatched";

/// What one worker thread keeps between requests.
pub(super) struct Worker {
    ids: RequestIds,
    latencies: Latencies,
    requests: Requests,
    tracer: Tracer,
    request_limit: usize,
    draining: CancellationToken,
}

impl Worker {
    /// Once `draining` is cancelled, clients are asked to go elsewhere.
    pub(super) fn new(tracer: Tracer, request_limit: usize, draining: CancellationToken) -> Rc<Self> {
        let (ids, latencies, requests) = (RequestIds::new(), Latencies::default(), Requests::new());
        Rc::new(Self { ids, latencies, requests, tracer, request_limit, draining })
    }
}

/// Answers one request through `next`.
pub(super) async fn surround(
    worker: Rc<Worker>,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let in_flight = worker.requests.enter();
    let (span, parent) = traced::begin(&worker.tracer, request.headers(), request.path());
    let mut exchange = Exchange {
        started: Instant::now(),
        method: request.method().clone(),
        id: RequestId::sent(request.headers()).unwrap_or_else(|| worker.ids.next()),
        trace_id: parent.context().map(Context::trace_id),
        span,
        worker,
    };
    request.extensions_mut().insert(exchange.id.clone());
    request.extensions_mut().insert(parent);
    let chunked = ChunkedBody::of(&mut request);
    let keep = |answer: HttpResponse| match chunked {
        Some(body) => body.keep(answer),
        None => answer,
    };
    // Nothing that a panic may have left half-changed is looked at again: the request is gone with it.
    let outcome = exchange.span.during(AssertUnwindSafe(next.call(request)).catch_unwind()).await;
    in_flight.answered();
    match outcome {
        Ok(Ok(response)) => {
            let (request, answer) = response.into_parts();
            let mut answer = exchange.finish(request.match_pattern().as_deref().unwrap_or(UNMATCHED), answer);
            unknown_parameters::report(&request, answer.headers_mut());
            Ok(ServiceResponse::new(request, keep(answer)))
        }
        Ok(Err(error)) => Err(exchange.without_request(HttpResponse::from_error(error))),
        Err(_panic) => Err(exchange.without_request(HttpResponse::from_error(Problem::internal("a handler panicked")))),
    }
}

/// A request that is being answered.
struct Exchange {
    worker: Rc<Worker>,
    started: Instant,
    method: Method,
    id: RequestId,
    trace_id: Option<String>,
    span: Span,
}

impl Exchange {
    /// Completes the answer, then counts and logs it.
    fn finish(self, route: &str, answer: HttpResponse) -> HttpResponse {
        let mut answer = match Problem::of_answer(&answer, self.worker.request_limit) {
            None => answer,
            Some(problem) => {
                self.log_cause(route, &problem);
                problem.write_into(answer, Some(self.id.as_str()))
            }
        };
        answer.headers_mut().insert(HEADER, self.id.header_value());
        security::complete(&self.method, &mut answer);
        if self.worker.draining.is_cancelled() {
            // Or a client would go on using its connection, and send a request in the moment in which it is closed.
            answer.head_mut().set_connection_type(ConnectionType::Close);
        }
        let took = self.started.elapsed();
        self.worker.latencies.record(&self.method, route, answer.status(), took);
        self.log(route, answer.status(), took);
        traced::end(self.span, method_label(&self.method), route, answer.status());
        answer
    }

    /// Completes an answer for which the framework has given no request back.
    fn without_request(self, answer: HttpResponse) -> Error {
        let answer = self.finish(UNMATCHED, answer);
        InternalError::from_response("answered", answer).into()
    }

    fn log_cause(&self, route: &str, problem: &Problem) {
        if let Some(cause) = problem.cause() {
            tracing::error!(request_id = self.id.as_str(), route, cause, "request failed by a bug");
        }
    }

    fn log(&self, route: &str, status: StatusCode, took: Duration) {
        tracing::info!(
            target: "access",
            method = method_label(&self.method),
            route,
            status = status.as_u16(),
            ms = took.as_secs_f64() * 1000.0,
            request_id = self.id.as_str(),
            trace_id = self.trace_id.as_deref(),
            "answered"
        );
    }
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::{App, test, web};

    use super::*;
    use crate::telemetry::Captured;

    const TRACE_ID: &str = "trace_id=\"0af7651916cd43dd8448eb211c80319c\"";
    const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    /// The lines that one request to `path` leaves in the log.
    async fn log_of(path: &str) -> Vec<String> {
        log_of_method(Method::GET, path).await
    }

    async fn log_of_method(method: Method, path: &str) -> Vec<String> {
        let log = Captured::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let _until_the_end = tracing::subscriber::set_default(subscriber);
        let worker = Worker::new(Tracer::off(), 100, CancellationToken::new());
        let application = App::new()
            .route("/things/{token}", web::get().to(async || "found"))
            .route("/bug/{token}", web::get().to(async || Err::<String, _>(Problem::internal("row without a key"))))
            .wrap(from_fn(move |request: ServiceRequest, next: Next<BoxBody>| surround(Rc::clone(&worker), request, next)));
        let request = test::TestRequest::with_uri(path)
            .method(method)
            .insert_header((HEADER, "r-1"))
            .insert_header(("traceparent", CALLER))
            .to_request();
        test::call_service(&test::init_service(application).await, request).await;
        log.text().lines().map(str::to_owned).collect()
    }

    #[actix_web::test]
    async fn a_request_leaves_one_line_with_the_pattern_and_without_the_path() {
        for (path, route, status) in [
            ("/things/secret?query=secret", "route=\"/things/{token}\"", "status=200"),
            ("/secret", "route=\"unmatched\"", "status=404"),
        ] {
            let lines = log_of(path).await;
            assert_eq!(lines.len(), 1, "{lines:?}");
            for part in ["access: answered method=\"GET\"", route, status, "ms=", "request_id=\"r-1\"", TRACE_ID] {
                assert!(lines[0].contains(part), "{part} in {lines:?}");
            }
            assert!(!lines[0].contains("secret"), "{lines:?}");
        }
    }

    #[actix_web::test]
    async fn a_method_that_a_client_has_invented_is_not_repeated() {
        let lines = log_of_method(Method::from_bytes(b"SECRET").unwrap(), "/things/1").await;
        assert!(lines.len() == 1 && lines[0].contains("method=\"OTHER\""), "{lines:?}");
        assert!(!lines[0].contains("SECRET"), "{lines:?}");
    }

    #[actix_web::test]
    async fn a_bug_leaves_its_cause_with_the_requests_id() {
        let lines = log_of("/bug/secret").await;
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("row without a key") && lines[0].contains("request_id=\"r-1\""), "{lines:?}");
        assert!(!lines.concat().contains("secret"), "{lines:?}");
    }
}
