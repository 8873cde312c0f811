//! OTLP's JSON (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>): ids in hexadecimal digits, 64-bit numbers as
//! text, enumerations as numbers, of `opentelemetry/proto/trace/v1/trace.proto`.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use crate::{Kind, Value, span::Ended};

const STATUS_ERROR: u8 = 2;

/// Who sends.
pub(crate) struct Resource {
    pub(crate) service: &'static str,
    pub(crate) version: &'static str,
    pub(crate) instance: String,
}

/// An `ExportTraceServiceRequest`.
pub(crate) fn request(resource: &Resource, spans: &[Ended]) -> Json {
    json!({
        "resourceSpans": [{
            "resource": { "attributes": [
                text("service.name", resource.service),
                text("service.version", resource.version),
                text("service.instance.id", &resource.instance),
            ] },
            "scopeSpans": [{
                "scope": { "name": "chat", "version": resource.version },
                "spans": spans.iter().map(span).collect::<Vec<_>>(),
            }],
        }],
    })
}

fn span(ended: &Ended) -> Json {
    let at = ended.at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let mut span = json!({
        "traceId": ended.context.trace_id(),
        "spanId": ended.context.span_id(),
        "name": ended.name,
        "kind": kind(ended.kind),
        "startTimeUnixNano": at.as_nanos().to_string(),
        "endTimeUnixNano": (at + ended.took).as_nanos().to_string(),
        "attributes": ended.attributes.iter().map(|(key, value)| attribute(key, value)).collect::<Vec<_>>(),
    });
    if let Some(parent) = ended.parent {
        span["parentSpanId"] = parent.span_id().into();
    }
    if let Some(why) = ended.failure {
        span["status"] = json!({ "code": STATUS_ERROR, "message": why });
    }
    span
}

fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Producer => 4,
        Kind::Consumer => 5,
    }
}

fn attribute(key: &str, value: &Value) -> Json {
    match value {
        Value::Word(word) => text(key, word),
        Value::Text(value) => text(key, value),
        Value::Number(number) => json!({ "key": key, "value": { "intValue": number.to_string() } }),
    }
}

fn text(key: &str, value: &str) -> Json {
    json!({ "key": key, "value": { "stringValue": value } })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::Context;

    #[test]
    fn a_span_is_told_in_the_protocols_form() {
        let parent = Context::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        let context = parent.next();
        let ended = Ended {
            context,
            parent: Some(parent),
            name: "POST /x".to_owned(),
            kind: Kind::Server,
            at: SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_001),
            took: Duration::from_nanos(9),
            attributes: vec![("http.response.status_code", Value::Number(503)), ("http.request.method", Value::Word("POST"))],
            failure: Some("unavailable"),
        };
        let resource = Resource { service: "ingest", version: "1", instance: "i".to_owned() };
        let request = request(&resource, &[ended]);
        let sent = &request["resourceSpans"][0];
        assert_eq!(sent["resource"]["attributes"][0], json!({ "key": "service.name", "value": { "stringValue": "ingest" } }));
        assert_eq!(
            sent["scopeSpans"][0]["spans"],
            json!([{
                "traceId": "0af7651916cd43dd8448eb211c80319c",
                "spanId": context.span_id(),
                "parentSpanId": "b7ad6b7169203331",
                "name": "POST /x",
                "kind": 2,
                "startTimeUnixNano": "1700000000000000001",
                "endTimeUnixNano": "1700000000000000010",
                "attributes": [
                    { "key": "http.response.status_code", "value": { "intValue": "503" } },
                    { "key": "http.request.method", "value": { "stringValue": "POST" } },
                ],
                "status": { "code": 2, "message": "unavailable" },
            }])
        );
    }
}
