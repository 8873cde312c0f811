//! What one method of one path takes and answers.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::{
    ContentBuilder, Deprecated, RefOr, Required, Schema,
    path::{OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
    security::SecurityRequirement,
};

use super::{
    answer::{Answer, Schemas},
    problems::{Problems, Responses},
    schemas,
};
use crate::problem::Code;

/// The security scheme of [`Operation::administrative`].
pub(super) const ADMINISTRATOR: &str = "administrator";

/// What one method of one path takes and answers. Each part that is added brings the problems that it can cause.
pub struct Operation {
    operation: OperationBuilder,
    answers: BTreeMap<u16, Answer>,
    problems: Problems,
    limited: bool,
}

impl Operation {
    /// An operation named `id` (unique in the document), shown under the heading `tag`, that counts for rate limits.
    pub fn new(id: &str, tag: &str, summary: &str) -> Self {
        Self { limited: true, ..Self::unlimited(id, tag, summary) }.problems(&[Code::RateLimited])
    }

    /// As [`Operation::new`], and it never counts for rate limits.
    pub fn unlimited(id: &str, tag: &str, summary: &str) -> Self {
        let request_id =
            "Taken over into the answer, the logs and the stored event, if it has 1 to 128 visible ASCII characters.";
        let operation = OperationBuilder::new().operation_id(Some(id)).tag(tag).summary(Some(summary));
        let described = Self { operation, answers: BTreeMap::new(), problems: Problems::default(), limited: false };
        described.parameter(ParameterIn::Header, "X-Request-Id", request_id, schemas::any_string()).problems(&[Code::Internal])
    }

    /// What is to be said beyond the summary (Markdown).
    pub fn describe(self, description: &str) -> Self {
        Self { operation: self.operation.description(Some(description)), ..self }
    }

    /// Kept for older clients.
    pub fn deprecated(self) -> Self {
        Self { operation: self.operation.deprecated(Some(Deprecated::True)), ..self }
    }

    /// With a parameter in the path.
    pub fn path(self, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.parameter(ParameterIn::Path, name, description, schema).problems(&[Code::RouteNotFound])
    }

    /// With a query parameter that may be left out.
    pub fn query(self, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.parameter(ParameterIn::Query, name, description, schema).problems(&[Code::MalformedRequest, Code::InvalidField])
    }

    /// With a query parameter that must be there.
    pub fn required_query(self, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).required(Required::True);
        let operation = self.operation.parameter(parameter.description(Some(description)).schema(Some(schema)));
        Self { operation, ..self }.problems(&[Code::MalformedRequest, Code::InvalidField])
    }

    /// With the conditions under which the client wants it done; see [`Conditions`](crate::http::Conditions).
    pub fn conditional(self) -> Self {
        self.header("If-Match", "Only if the resource has one of these tags.", schemas::entity_tags())
            .header("If-None-Match", "Only if the resource has none of these tags.", schemas::entity_tags())
            .problems(&[Code::MalformedRequest, Code::PreconditionFailed])
    }

    /// For administrators, where the service is configured with their token; else for everyone.
    pub fn administrative(self) -> Self {
        let challenge = "Asks for the administrator's token.";
        let operation = self.operation.security(SecurityRequirement::default());
        let operation = operation.security(SecurityRequirement::new(ADMINISTRATOR, Vec::<String>::new()));
        Self { operation, ..self }.problems(&[Code::Unauthorized]).problem_header(
            401,
            "WWW-Authenticate",
            challenge,
            schemas::any_string(),
        )
    }

    /// With a header that may be left out.
    pub fn header(self, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.parameter(ParameterIn::Header, name, description, schema)
    }

    /// With a header that must be there.
    pub fn required_header(self, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::True);
        let operation = self.operation.parameter(parameter.description(Some(description)).schema(Some(schema)));
        Self { operation, ..self }.problems(&[Code::MissingHeader])
    }

    fn parameter(self, place: ParameterIn, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        let required = if place == ParameterIn::Path { Required::True } else { Required::False };
        let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
        let operation = self.operation.parameter(parameter.description(Some(description)).schema(Some(schema)));
        Self { operation, ..self }
    }

    /// With a body of JSON that must be there.
    pub fn body(self, schema: impl Into<RefOr<Schema>>, example: Value) -> Self {
        self.request_body(Required::True, schema, example)
    }

    /// With a body of JSON that may be left out.
    pub fn optional_body(self, schema: impl Into<RefOr<Schema>>, example: Value) -> Self {
        self.request_body(Required::False, schema, example)
    }

    fn request_body(self, required: Required, schema: impl Into<RefOr<Schema>>, example: Value) -> Self {
        let content = ContentBuilder::new().schema(Some(schema)).example(Some(example)).build();
        let body = RequestBodyBuilder::new().required(Some(required)).content("application/json", content).build();
        Self { operation: self.operation.request_body(Some(body)), ..self }.problems(&[
            Code::MalformedJson,
            Code::MalformedRequest,
            Code::RequestTimeout,
            Code::PayloadTooLarge,
            Code::UnsupportedMediaType,
            Code::InvalidField,
        ])
    }

    /// Answers so with this status.
    pub fn answer(mut self, status: u16, answer: Answer) -> Self {
        self.answers.insert(status, answer);
        self
    }

    /// Answers problems with these codes, too.
    pub fn problems(mut self, codes: &[Code]) -> Self {
        self.problems.add(codes);
        self
    }

    /// With a header that some of the problems of this status bear.
    pub fn problem_header(mut self, status: u16, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.problems.header(status, name, super::answer::header(description, schema));
        self
    }

    /// The finished operation, with what the document must define for it.
    pub(super) fn build(self) -> (utoipa::openapi::path::Operation, Schemas, Responses) {
        let (mut schemas, mut responses) = (Schemas::new(), Responses::new());
        let mut operation = self.operation;
        for (status, mut answer) in self.answers {
            schemas.append(&mut answer.schemas);
            if self.limited {
                answer = answer
                    .optional_header("RateLimit-Policy", "The limit, where there is one.", schemas::any_string())
                    .optional_header("RateLimit", "What is left of it.", schemas::any_string());
            }
            operation = operation.response(status.to_string(), answer.build());
        }
        for (status, response) in self.problems.references(&mut schemas, &mut responses) {
            operation = operation.response(status.to_string(), response);
        }
        (operation.build(), schemas, responses)
    }
}
