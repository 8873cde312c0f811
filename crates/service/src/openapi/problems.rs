//! The problems that an operation can answer: one response a status, which names the codes that it can bear. Operations with the
//! same problems share the response, so that a document says each of them once.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::{
    Content, ContentBuilder, Header, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, example::ExampleBuilder,
    schema::AllOfBuilder,
};

use super::{
    answer::{Schemas, define, header, request_id, with_header},
    schemas,
};
use crate::problem::{Code, Document};

/// Responses that the document must define, by name.
pub(super) type Responses = BTreeMap<String, RefOr<Response>>;

/// The codes of an operation's problems.
#[derive(Default)]
pub(super) struct Problems {
    codes: Vec<Code>,
    headers: Vec<(u16, String, Header)>,
}

impl Problems {
    pub(super) fn add(&mut self, codes: &[Code]) {
        self.codes.extend_from_slice(codes);
    }

    pub(super) fn header(&mut self, status: u16, name: &str, header: Header) {
        self.headers.push((status, name.to_owned(), header));
    }

    /// One response a status, defined in `responses`. Codes stand in the order in which they are declared.
    pub(super) fn references(self, schemas: &mut Schemas, responses: &mut Responses) -> BTreeMap<u16, Ref> {
        define::<Document<'_>>(schemas);
        let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
        for code in Code::ALL.iter().filter(|code| self.codes.contains(code)) {
            by_status.entry(code.status().as_u16()).or_default().push(*code);
        }
        let shared = by_status.into_iter().map(|(status, codes)| {
            let name = self.name(status, &codes);
            responses.insert(name.clone(), self.response(status, &codes).into());
            (status, Ref::from_response_name(name))
        });
        shared.collect()
    }

    /// Says all in which two responses can differ.
    fn name(&self, status: u16, codes: &[Code]) -> String {
        let codes = codes.iter().map(|code| code.as_str());
        codes.chain(self.headers(status).map(|(name, _)| name)).collect::<Vec<_>>().join("-")
    }

    fn headers(&self, status: u16) -> impl Iterator<Item = (&str, &Header)> {
        self.headers.iter().filter(move |(of, ..)| *of == status).map(|(_, name, header)| (name.as_str(), header))
    }

    fn response(&self, status: u16, codes: &[Code]) -> Response {
        let lines: Vec<String> = codes.iter().map(|code| format!("- `{}`: {}", code.as_str(), code.meaning())).collect();
        let mut response =
            ResponseBuilder::new().description(lines.join("\n")).content("application/problem+json", content(codes));
        response = with_header(response, "X-Request-Id", request_id(), true);
        response = with_header(response, "Cache-Control", header("`no-store`", schemas::one_of(["no-store"])), true);
        if codes.iter().any(|code| code.asks_to_retry()) {
            let retry_after = header("Seconds after which to try again.", schemas::integer(1, 3600));
            response = with_header(response, "Retry-After", retry_after, codes.iter().all(|code| code.asks_to_retry()));
        }
        for (name, header) in self.headers(status) {
            response = with_header(response, name, header.clone(), false);
        }
        response.build()
    }
}

/// A problem with one of these codes, which share a status.
fn content(codes: &[Code]) -> Content {
    let status = codes.first().map_or(500, |code| code.status().as_u16());
    let narrowed = ObjectBuilder::new()
        .property("code", schemas::one_of(codes.iter().map(|code| code.as_str())))
        .property("status", schemas::integer(status.into(), status.into()));
    let schema = Schema::AllOf(AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(narrowed).build());
    let examples = codes.iter().map(|code| {
        let example = ExampleBuilder::new().summary(code.meaning()).value(Some(example(*code))).build();
        (code.as_str().to_owned(), example)
    });
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build()
}

fn example(code: Code) -> Value {
    let mut problem = json!({
        "type": "about:blank",
        "title": code.status().canonical_reason().unwrap_or("Error"),
        "status": code.status().as_u16(),
        "code": code.as_str(),
        "detail": code.meaning(),
        "request_id": "5f1c3a52-0c7e-8d3b-9f00-000000000001",
    });
    if code == Code::InvalidField {
        problem["errors"] = json!([{ "field": "name", "code": "too_long", "detail": "must have at most 255 characters" }]);
    }
    problem
}
