//! The OpenAPI 3.1 document of a service, made from the routes that its server really has.
//!
//! Each [`Endpoint`](crate::http::Endpoint) carries the [`Operation`]s that describe what it answers, and [`document`] gathers
//! them: a path or a method that is not served cannot be described. What all routes have in common (request ids, problems and
//! their codes, the limits of texts and numbers) is added here, from the very constants that the server goes by.
//!
//! Nothing here may look at a request: the document is made once, before the server starts.

mod answer;
mod body;
mod document;
mod operation;
mod problems;
pub mod schemas;
mod serve;

pub use answer::Answer;
pub use body::flat_or_wrapped;
pub use document::{About, Document, document, undocumented};
pub use operation::Operation;
pub use serve::routes;
