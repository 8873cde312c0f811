//! The trace of a request: its caller's, which the header `traceparent` names (W3C Trace Context), or one that begins here.
//!
//! A span bears the route's pattern, the method and the status: never a path, a query or another header.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName};
use trace::{Context, Kind, Parent, Span, Tracer, Value};

const HEADER: HeaderName = HeaderName::from_static("traceparent");
/// What schedulers and Prometheus ask all the time tells nothing of anybody's request.
const OF_OPERATORS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Begins the span of a request, and says what its handler works for: also if it is not traced here, its caller's trace is kept.
pub(super) fn begin(tracer: &Tracer, headers: &HeaderMap, path: &str) -> (Span, Parent) {
    let caller = caller(headers);
    let off = Tracer::off();
    let tracer = if OF_OPERATORS.contains(&path) { &off } else { tracer };
    let span = tracer.receive("request", Kind::Server, caller);
    let parent = tracer.parent(&span, caller);
    (span, parent)
}

/// What the one header that there may be says.
fn caller(headers: &HeaderMap) -> Option<Context> {
    let mut values = headers.get_all(HEADER);
    let (value, None) = (values.next()?, values.next()) else { return None };
    Context::parse(value.as_bytes())
}

/// Ends the span of a request that was answered.
pub(super) fn end(mut span: Span, method: &'static str, route: &str, status: StatusCode) {
    if OF_OPERATORS.contains(&route) {
        return span.forget();
    }
    if span.context().is_none() {
        return;
    }
    span.rename(&format!("{method} {route}"));
    span.say("http.request.method", Value::Word(method));
    span.say("http.route", Value::Text(route.to_owned()));
    span.say("http.response.status_code", Value::Number(status.as_u16().into()));
    if status.is_server_error() {
        span.fail("answered with a server error");
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn one_context_is_taken_from_the_caller_and_kept() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let kept = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| headers.append(HEADER, HeaderValue::from_str(value).unwrap()));
            begin(&Tracer::off(), &headers, "/things").1.context().map(|context| context.to_string())
        };
        assert_eq!(kept(&[text]).as_deref(), Some(text));
        for none in [&[] as &[&str], &["00-x"], &[text, text]] {
            assert_eq!(kept(none), None, "{none:?}");
        }
    }
}
