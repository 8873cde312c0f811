//! Traces: what happened to one request, over all processes, as spans that are sent to an OpenTelemetry collector.
//!
//! - [`Context`] names a place in a trace, and is handed on as text: in the header `traceparent` (W3C Trace Context), in an item
//!   of the queues;
//! - a [`Span`] is something that takes time: begun by the [`Tracer`], told by being dropped;
//! - the tracer's task sends what has ended by OTLP over HTTP, as JSON, which every collector takes. Written out here because the
//!   form is small: the usual libraries bring a gRPC stack, a second HTTP client and a minute of building.
//!
//! It is off unless a collector is named, and a span costs next to nothing then. A request must never wait for a collector, nor
//! fail because of one: spans wait in a bounded queue, what finds no place there is dropped and counted. Attributes never hold a
//! token, a body, a name or a key.

mod context;
mod export;
mod ration;
mod settings;
mod span;
mod tracer;
mod wire;

pub use context::Context;
pub use settings::{InvalidSettings, Settings};
pub use span::{Kind, Span, Value};
pub use tracer::{Parent, Tracer};
