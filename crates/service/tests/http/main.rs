//! The HTTP server as clients meet it: real servers on a port of their own, spoken to over TCP.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod draining;
mod headers;
mod health;
mod limits;
mod openapi;
mod request_ids;
mod routing;
mod support;
