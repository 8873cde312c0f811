//! What every service shares: configuration, telemetry, shutdown, the HTTP server and its errors, health.
//!
//! - [`config`]: defaults, file and environment become one typed value;
//! - [`telemetry`]: logs and metrics;
//! - [`http`]: a server with request ids, access log, limits and graceful stop; [`problem`]: every error answer;
//!   [`json`]: request bodies;
//! - [`health`]: `/healthz`, `/readyz`, `/metrics`; [`openapi`]: the document of a service's routes, and Swagger UI;
//! - [`AdminToken`]: what administrators bear;
//! - [`shutdown`]: signals become one token; [`program`]: what every `main` has in common.
//!
//! The crate must never know of a store, a queue or a route of the business.

mod admin_token;
pub mod config;
mod error;
pub mod health;
pub mod http;
pub mod json;
mod object;
pub mod openapi;
pub mod problem;
pub mod program;
pub mod shutdown;
pub mod telemetry;

pub use admin_token::AdminToken;
pub use error::Error;
