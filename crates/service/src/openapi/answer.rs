//! One answer of an operation: its body, headers, and the operations that can follow it.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        Content, ContentBuilder, Header, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, extensions::Extensions,
        link::Link,
    },
};

/// Schemas that the document must define, by name.
pub(super) type Schemas = BTreeMap<String, RefOr<Schema>>;

/// An answer that is no problem.
pub struct Answer {
    response: ResponseBuilder,
    pub(super) schemas: Schemas,
}

impl Answer {
    /// An answer without a body.
    pub fn new(description: &str) -> Self {
        let response = ResponseBuilder::new().description(description);
        let answer = Self { response: with_header(response, "X-Request-Id", request_id(), true), schemas: Schemas::new() };
        let unknown = "Query parameters of the request that nobody reads.";
        answer.optional_header("X-Unknown-Parameters", unknown, super::schemas::any_string())
    }

    /// With an object of `T` as the body.
    pub fn json<T: ToSchema>(self, example: Value) -> Self {
        self.defining::<T>().content("application/json", Ref::from_schema_name(T::name()), example)
    }

    /// With a body of this media type and form; schemas to which the form refers are told by [`Answer::defining`].
    pub fn content(self, media_type: &str, schema: impl Into<RefOr<Schema>>, example: Value) -> Self {
        let content: Content = ContentBuilder::new().schema(Some(schema)).example(Some(example)).build();
        Self { response: self.response.content(media_type, content), ..self }
    }

    /// Has the document define the schema of `T`.
    pub fn defining<T: ToSchema>(mut self) -> Self {
        define::<T>(&mut self.schemas);
        self
    }

    /// With a header that each such answer bears.
    pub fn header(self, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        Self { response: with_header(self.response, name, header(description, schema), true), ..self }
    }

    /// With a header that only some of these answers bear.
    pub fn optional_header(self, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        Self { response: with_header(self.response, name, header(description, schema), false), ..self }
    }

    /// Tells that the operation `id` can follow, and where in this exchange its parameters stand (`$response.body#/number`).
    pub fn link(self, id: &str, parameters: &[(&str, &str)]) -> Self {
        let link = parameters.iter().fold(Link::builder().operation_id(id), |link, (name, place)| link.parameter(*name, *place));
        Self { response: self.response.link(id, link.build()), ..self }
    }

    pub(super) fn build(self) -> Response {
        self.response.build()
    }
}

/// Adds the schema of `T`, and those that it refers to.
pub(super) fn define<T: ToSchema>(schemas: &mut Schemas) {
    let mut nested = Vec::new();
    T::schemas(&mut nested);
    schemas.extend(nested);
    schemas.insert(T::name().into_owned(), T::schema());
}

pub(super) fn header(description: &str, schema: impl Into<RefOr<Schema>>) -> Header {
    HeaderBuilder::new().description(Some(description)).schema(Some(schema)).build()
}

/// The library's header has no member `required`; what it writes as an extension stands beside its members.
pub(super) fn with_header(response: ResponseBuilder, name: &str, mut header: Header, always: bool) -> ResponseBuilder {
    if always {
        header.extensions = Some(Extensions::from_iter([("required", true)]));
    }
    response.header(name, header)
}

/// The header that every answer bears.
pub(super) fn request_id() -> Header {
    header("The request's own `X-Request-Id` if it was usable, else a new one.", super::schemas::string(1, 128))
}
