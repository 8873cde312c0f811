//! Gathers the operations of all endpoints into one document.

use std::sync::Arc;

use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApiBuilder, Paths, ServerBuilder,
    path::HttpMethod,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::TagBuilder,
};

use super::operation::ADMINISTRATOR;
use crate::http::Endpoint;

/// What a document says of the service as a whole.
pub struct About {
    /// The service's name to readers.
    pub title: &'static str,
    /// What the service is for, and what holds for all its routes (Markdown).
    pub description: &'static str,
    /// The headings, in the order in which they are to be shown, and what stands under each.
    pub tags: &'static [(&'static str, &'static str)],
    /// Whether some operation is [`administrative`](super::Operation::administrative).
    pub has_administrators: bool,
}

const ADMINISTRATORS: &str = "The administrator's token, where the service is configured with one; without it everyone may.";

/// A document, as text.
#[derive(Clone)]
pub struct Document(Arc<str>);

impl Document {
    /// JSON, indented, with a line's end behind it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The document of a service with these endpoints.
pub fn document(about: &About, endpoints: impl IntoIterator<Item = Endpoint>) -> Document {
    let mut paths = Paths::new();
    let mut components = ComponentsBuilder::new();
    for endpoint in endpoints {
        let (pattern, operations) = endpoint.into_operations();
        for (method, operation) in operations {
            let (operation, schemas, responses) = operation.build();
            paths.add_path_operation(&pattern, vec![method], operation);
            components = components.schemas_from_iter(schemas).responses_from_iter(responses);
        }
    }
    if about.has_administrators {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(ADMINISTRATORS)).build();
        components = components.security_scheme(ADMINISTRATOR, SecurityScheme::Http(scheme));
    }
    let license = LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
    let info = InfoBuilder::new().title(about.title).version(env!("CARGO_PKG_VERSION"));
    let info = info.description(Some(about.description)).license(Some(license)).build();
    let tags = about.tags.iter().map(|(name, text)| TagBuilder::new().name(*name).description(Some(*text)).build());
    let document = OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .tags(Some(tags))
        .paths(paths)
        .components(Some(components.build()))
        .build();
    // Strings, numbers and maps with strings for keys can always be written as JSON.
    let text = document.to_pretty_json().unwrap_or_default();
    Document(Arc::from(text + "\n"))
}

/// Methods that are answered and not described, or described and not answered, as `GET /path`: for a service's test, which must
/// find none. HEAD and OPTIONS follow from the others and are described for all together.
pub fn undocumented(endpoints: impl IntoIterator<Item = Endpoint>) -> Vec<String> {
    let differing = |endpoint: Endpoint| {
        let answered: Vec<String> = endpoint.methods().iter().map(|method| (*method).to_owned()).collect();
        let (pattern, operations) = endpoint.into_operations();
        let described: Vec<String> = operations.into_iter().map(|(method, _)| name(&method)).collect();
        let missing = answered.iter().filter(|method| *method != "HEAD" && !described.contains(method));
        let invented = described.iter().filter(|method| !answered.contains(method));
        missing.chain(invented).map(|method| format!("{method} {pattern}")).collect::<Vec<_>>()
    };
    endpoints.into_iter().flat_map(differing).collect()
}

fn name(method: &HttpMethod) -> String {
    match method {
        HttpMethod::Get => "GET",
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Patch => "PATCH",
        _ => "other",
    }
    .to_owned()
}
