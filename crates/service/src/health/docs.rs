//! What the OpenAPI document says of the three routes.

use serde_json::json;
use utoipa::openapi::ObjectBuilder;

use super::{METRICS_TYPE, readiness::Report};
use crate::openapi::{Answer, Operation, schemas};

const TAG: &str = "Operation";

pub(super) fn alive() -> Operation {
    let schema = ObjectBuilder::new().property("status", schemas::one_of(["ok"])).required("status").build();
    let answer = Answer::new("It lives.").content("application/json", schema, json!({ "status": "ok" }));
    Operation::unlimited("showHealth", TAG, "Whether the process lives").answer(200, fresh(answer))
}

pub(super) fn ready() -> Operation {
    let up = json!({ "status": "ok", "dependencies": { "mysql": { "state": "up", "latency_ms": 1 } } });
    let down = json!({
        "status": "unavailable",
        "dependencies": { "mysql": { "state": "down", "detail": "connection refused", "latency_ms": 2 } },
    });
    Operation::unlimited("showReadiness", TAG, "Whether requests should be sent here, and how each dependency is")
        .answer(200, fresh(Answer::new("They should, even if some part is missing (`degraded`).").json::<Report>(up)))
        .answer(
            503,
            fresh(Answer::new("They should not; a service that is `stopping` names no dependency.").json::<Report>(down)),
        )
}

pub(super) fn metrics() -> Operation {
    let example = json!("http_requests_in_flight 1\n");
    let answer = Answer::new("Prometheus' text form.").content(METRICS_TYPE, schemas::any_string(), example);
    Operation::unlimited("showMetrics", TAG, "What was measured").answer(200, fresh(answer))
}

fn fresh(answer: Answer) -> Answer {
    answer.header("Cache-Control", "`no-store`", schemas::one_of(["no-store"]))
}
